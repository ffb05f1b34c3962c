"""Names that come from outside stay few in the metrics, and no phone gets there."""

from prometheus_client import REGISTRY

from agents.metrics import OTHER, count_noise


def counted(channel: str) -> float:
    return REGISTRY.get_sample_value("posto_webhook_noise_total", {"channel": channel, "kind": "test"}) or 0.0


def test_noise_is_counted_for_its_channel_and_a_phone_is_no_channel() -> None:
    count_noise("canalum", "test")
    count_noise("5547999990001", "test")

    assert counted("canalum") >= 1 or counted(OTHER) >= 2
    assert counted("5547999990001") == 0


def test_however_many_channels_are_named_the_series_stay_few() -> None:
    for number in range(200):
        count_noise(f"name-{number}", "test")

    series = [number for number in range(200) if counted(f"name-{number}")]
    assert len(series) <= 64
    assert counted(OTHER) >= 136
