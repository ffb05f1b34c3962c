"""How many examples a property is tried with: the usual number, or forty times as many with `nightly`."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

VARIABLE: Final = "HYPOTHESIS_PROFILE"
TIMES: Final = {"default": 1, "nightly": 40}
"""The profiles, and how many times the usual number of examples each tries."""
_USUAL: Final = 100


def choose_profile() -> None:
    """Let the environment choose; ValueError for a profile that is none.

    Nothing is timed: how long an example takes says more about the machine's other work than about ours.
    """
    name = os.environ.get(VARIABLE, "default")
    if name not in TIMES:
        raise ValueError(f"{VARIABLE}={name}: the profiles are {', '.join(TIMES)}")
    for profile, times in TIMES.items():
        settings.register_profile(
            profile, max_examples=_USUAL * times, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
    settings.load_profile(name)


def examples(usual: int) -> settings:
    """A decorator for a property that usually takes so many examples, where a hundred are too few or too many."""
    return settings(max_examples=usual * settings().max_examples // _USUAL)
