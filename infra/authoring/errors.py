"""Why a change of a rule or template is not made."""

from adapters.mysql.authoring import Written
from infra.errors import ConflictError, OperatorError
from schemas.proposals import DryRun


class ChangedMeanwhileError(ConflictError):
    """Somebody else was faster; `current` is what there is now, None where it was deleted."""

    def __init__(self, message: str, current: Written | None) -> None:
        super().__init__(message)
        self.current = current


class DangerousError(OperatorError):
    """It is rarely meant, and nobody has confirmed that it is; `found` says what would come of it."""

    def __init__(self, found: DryRun) -> None:
        reasons = " ".join(f"{danger.subject}: {danger.message}" for danger in found.dangers)
        codes = ", ".join(dict.fromkeys(danger.code.value for danger in found.dangers))
        super().__init__(f"{reasons} Nothing was changed: confirm {codes} where it is meant.")
        self.found = found
