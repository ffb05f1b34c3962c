"""Why a record could not be understood."""


class FieldError(ValueError):
    """One field is missing or wrong; `field` is its dotted name, empty for the body as a whole."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}" if field else message)


class NormalizationError(ValueError):
    """A record cannot become an event; it belongs into the dead letters.

    `reason` is a short machine word. `fields` names what is wrong where fields are.
    """

    def __init__(self, reason: str, message: str, fields: tuple[FieldError, ...] = ()) -> None:
        self.reason = reason
        self.fields = fields
        super().__init__(message)
