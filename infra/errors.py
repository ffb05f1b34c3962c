"""What goes wrong and can be mended by the person at the terminal: every message is one sentence that says how."""


class OperatorError(Exception):
    """Root of the errors whose message is shown as it is, without a traceback."""

    exit_code = 1


class SettingsError(OperatorError):
    """A setting is missing or wrong; the message is one sentence that names it."""

    exit_code = 2


class StackError(OperatorError):
    """The local stack could not be brought up or taken down."""


class UnknownError(OperatorError):
    """What is named is not there."""


class ConflictError(OperatorError):
    """As things stand it cannot be done."""


class InvalidError(OperatorError):
    """What was said makes no sense; `field` names the part of it, as `body.template`."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class AwayError(OperatorError):
    """Something that is needed does not answer; the same may work later, after `retry_after` seconds where known."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
