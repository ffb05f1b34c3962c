"""How long evidence counts: seconds, as the settings have them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of evidence, in seconds.

    An echo may be `echo` seconds later than the answer, or the doubt, of the attempt that it shows, and `clock_skew`
    seconds before the attempt began. What came before anybody knew whose it is waits for `waiting` seconds.
    """

    echo: float = 90.0
    clock_skew: float = 2.0
    waiting: float = 120.0
