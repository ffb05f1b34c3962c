"""Templates, as the Admin API takes and shows them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from schemas.admin.authored import InForceShown, TemplateName
from schemas.admin.values import Body, Shown

TemplateBody = Annotated[str, Field(min_length=1, max_length=20_000)]


class NewTemplate(Body):
    """A template that is to be made."""

    name: TemplateName
    body: TemplateBody
    is_enabled: bool = True


class TemplateChange(Body):
    """The fields that are to be otherwise; those left out stay."""

    body: Annotated[TemplateBody, Field(default_factory=str)]
    is_enabled: bool = True


class TemplateShown(Shown):
    """A template as it is written; `fault` as of a rule."""

    name: str
    body: str
    is_enabled: bool
    etag: str
    created_at: datetime
    updated_at: datetime
    fault: str | None
    in_force: Annotated[InForceShown | None, Field(description="In the answer to a change.")] = None
