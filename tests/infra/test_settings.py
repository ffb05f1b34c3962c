"""Settings that make no sense are refused with their name."""

import pytest

from infra.settings import SettingsError, load


@pytest.mark.parametrize("name", ["posto_send_retry_seconds", "posto_media_retry_seconds"])
def test_a_schedule_with_a_wait_of_nothing_is_refused(name: str) -> None:
    """Whoever waits for nothing would try without end."""
    with pytest.raises(SettingsError, match=f"{name.upper()}_1: .*greater than 0"):
        load(**{name: "1,0,5"})
