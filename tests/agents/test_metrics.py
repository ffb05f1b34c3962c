"""Names that come from outside stay few in the metrics, and no phone gets there."""

import pytest
from prometheus_client import REGISTRY

from agents import metrics
from agents.metrics import OTHER, count_noise, count_unknown


def counted(channel: str) -> float:
    return REGISTRY.get_sample_value("posto_webhook_noise_total", {"channel": channel, "kind": "test"}) or 0.0


@pytest.fixture(autouse=True)
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_channels", metrics._Names())
    monkeypatch.setattr(metrics, "_unknown", metrics._Names())


@pytest.mark.parametrize("name", ["canalum", "loja-2024", None])
def test_noise_is_counted_for_its_channel(name: str | None) -> None:
    before = counted(name or "")

    count_noise(name, "test", 1)

    assert counted(name or "") == before + 1


@pytest.mark.parametrize(
    "phone", ["5547999990001", "+55(47)99999-0001", "55.47.9999-0001", "555-12345", "tel:5547999-9"]
)
def test_a_phone_is_no_channel(phone: str) -> None:
    before = counted(OTHER)

    count_noise(phone, "test", 1)

    assert (counted(phone), counted(OTHER)) == (0, before + 1)


def test_however_many_channels_are_named_the_series_stay_few() -> None:
    for number in range(200):
        count_noise(f"name-{number}", "test", 1)

    series = [number for number in range(200) if counted(f"name-{number}")]
    assert len(series) <= 64
    assert counted(OTHER) >= 136


def test_unknown_events_are_counted_by_their_name_and_strangers_make_no_more_than_a_few_series() -> None:
    def unknown(name: str) -> float:
        return REGISTRY.get_sample_value("posto_webhook_unknown_total", {"name": name}) or 0.0

    before = unknown(OTHER)
    for number in range(200):
        count_unknown(f"onsomething-{number}")
    count_unknown("call-from-5547999990001")

    assert unknown("onsomething-0") == 1
    assert unknown("call-from-5547999990001") == 0
    assert unknown(OTHER) == before + 137
