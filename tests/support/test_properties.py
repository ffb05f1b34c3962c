"""The profiles of the properties: what the environment chooses."""

from collections.abc import Iterator

import pytest

from tests.support.properties import VARIABLE, choose_profile, examples


@pytest.fixture(autouse=True)
def _the_profile_of_the_run() -> Iterator[None]:
    yield
    choose_profile()


@pytest.mark.parametrize(("profile", "tried"), [("default", 5_000), ("nightly", 200_000)])
def test_the_nightly_run_tries_forty_times_as_many_examples(profile: str, tried: int) -> None:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv(VARIABLE, profile)
        choose_profile()
    assert examples(5_000).max_examples == tried


def test_a_profile_that_is_none_is_refused_by_name() -> None:
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv(VARIABLE, "nigthly")
        with pytest.raises(ValueError, match="nigthly: the profiles are default, nightly"):
            choose_profile()
