"""Why a record could not be understood."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.normalization.webhooks import Normalized


class FieldError(ValueError):
    """One field is missing or wrong; `field` is its dotted name, empty for the body as a whole."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}" if field else message)


class NormalizationError(ValueError):
    """A record cannot become an event, or not all that it should; it belongs into the dead letters.

    `reason` is a short machine word. `fields` names what is wrong where fields are. `read` are the events of a body of
    several of which others could not be read.
    """

    def __init__(
        self, reason: str, message: str, fields: tuple[FieldError, ...] = (), read: "Sequence[Normalized]" = ()
    ) -> None:
        self.reason = reason
        self.fields = fields
        self.read = read
        super().__init__(message)
