"""What goes wrong and can be mended by the person at the terminal: every message is one sentence that says how."""


class OperatorError(Exception):
    """Root of the errors whose message is shown as it is, without a traceback."""

    exit_code = 1


class SettingsError(OperatorError):
    """A setting is missing or wrong; the message is one sentence that names it."""

    exit_code = 2


class StackError(OperatorError):
    """The local stack could not be brought up or taken down."""
