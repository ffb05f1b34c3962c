"""The rules and templates that a fresh installation starts with."""

from pathlib import Path

import msgspec

from schemas.configuration import Rule, Template

_FOLDER = Path(__file__).parent


def default_rules() -> list[Rule]:
    """The default rules, without a version."""
    return msgspec.json.decode((_FOLDER / "rules.json").read_bytes(), type=list[Rule])


def default_templates() -> list[Template]:
    """The default templates, one for each `.j2` file, named after it, without a version."""
    return [Template(id=path.stem, body=path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.j2"))]
