"""The kinds of problems that the Admin API has beside those of the edge."""

from typing import Final

from adapters.edge.problems import Kind

UNKNOWN_TOKEN: Final = Kind("unauthenticated", 401, "A token is needed.")
OUT_OF_SCOPE: Final = Kind("out-of-scope", 403, "The token does not allow that.")
NOT_FOUND: Final = Kind("not-found", 404, "There is no such thing.")
CONFLICT: Final = Kind("conflict", 409, "As things stand, that cannot be done.")
CHANGED: Final = Kind("changed", 412, "It was changed meanwhile.")
UNCONDITIONAL: Final = Kind("unconditional", 428, "A change must say what it is a change of.")
AWAY: Final = Kind("away", 503, "Something that is needed does not answer.")
DANGEROUS: Final = Kind("dangerous", 409, "It is rarely meant, and nobody confirmed it.")
