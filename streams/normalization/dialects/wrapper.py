"""The usual envelope: a published name at the top and the engine's own object under `raw.payload`."""

from typing import Final

from streams.normalization import content, fields, reading
from streams.normalization.dialects import engine, flat
from streams.normalization.fields import Parts
from streams.normalization.reading import Said

NAME: Final = "wrapper"


def matches(parts: Parts) -> bool:
    """There is a `raw.payload`."""
    return parts[fields.PAYLOAD] is not parts[fields.TOP]


def read(parts: Parts) -> list[Said]:
    """Read by the engine's name, which is the more exact one, else by the wrapper's."""
    name = fields.event_name(parts)
    kind = engine.KINDS.get(fields.engine_name(parts)) or flat.KINDS.get(name) or engine.KINDS.get(name)
    return [(reading.read(kind, name, parts, content.read), parts)]
