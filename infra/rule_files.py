"""A rule from a file, to be tried before it is put in force."""

from dataclasses import replace

from infra.errors import OperatorError
from schemas.configuration import Rule
from streams.configuration import Key, Published
from streams.normalization.decoding import decode_object
from streams.references import without_target, without_template
from streams.soundness import fault_of, rule_of
from streams.topics import CONFIG_RULE


class RuleFileError(OperatorError):
    """The file holds no rule that could be put in force; the message says where it is wrong."""

    exit_code = 2


def with_rule(published: Published, value: bytes) -> Published:
    """What would be in force with the rule of this JSON, in place of one with its id."""
    try:
        rule = _rule(value)
    except ValueError as error:
        raise RuleFileError(f"This rule would be refused: {error}.") from None
    entries = {**published.entries, Key(CONFIG_RULE, rule.id): rule}
    new, there = {Key(CONFIG_RULE, rule.id): rule}, published.entries.values()
    for reason in (*without_template(new, there).values(), *without_target(new, there).values()):
        raise RuleFileError(f"This rule would be refused: {reason}.")
    return replace(published, entries=entries)


def _rule(value: bytes) -> Rule:
    fields = decode_object(value)
    for name in fields:
        if name not in Rule.__struct_fields__:
            raise ValueError(f"{name}: no such field; there are {', '.join(Rule.__struct_fields__)}")
    rule = rule_of(fields)
    if (reason := fault_of(rule)) is not None:
        raise ValueError(reason)
    return rule
