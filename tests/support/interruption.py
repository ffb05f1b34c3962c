"""Ends a test run that is told to stop (SIGTERM) as Ctrl-C does: fixtures take down what they brought up."""

import signal


def pytest_configure() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
