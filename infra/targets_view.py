"""How targets look to people: the list of them."""

from collections.abc import Iterable, Iterator

from schemas.configuration import Rule, Target
from streams.configuration import Published
from streams.standing import Standing


def listed(standings: Iterable[Standing], published: Published) -> Iterator[str]:
    """A line for each target, and the reason below where it is not in force as written."""
    yield f"{'target':<24} {'version':>7}  {'state':<9} {'secret':>6}  address, rules"
    for standing in standings:
        target = standing.entry
        if isinstance(target, Target):
            rules = ", ".join(_rules_of(target.id, published))
            about = f"{target.version or '':>7}  {standing.state:<9} {target.secret_version:>6}  {target.url}  {rules}"
        else:
            about = f"{'':>7}  {standing.state:<9}"
        yield f"{standing.id:<24} {about}".rstrip()
        if standing.reason:
            yield f"  {standing.reason}"


def _rules_of(target: str, published: Published) -> list[str]:
    rules = (entry for entry in published.entries.values() if isinstance(entry, Rule) and entry.is_enabled)
    return sorted(rule.id for rule in rules if rule.target == target)
