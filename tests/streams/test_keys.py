"""Keys name a fact, and everything that follows from a key follows from it alone."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import canonical, keys
from tests.streams.json_values import json_objects, texts

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "key_vectors.json").read_text())

parts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.text(
    "|%:237C0A keyhash", min_size=1, max_size=12
)
optional = st.none() | parts
event_fields = st.fixed_dictionaries(
    {
        "source_system": parts,
        "event_type": parts,
        "external_id": optional,
        "occurrence": optional,
        "idempotency_key": optional,
        "ordering_key": optional,
        "content": json_objects,
    }
)
gateway_fields = st.tuples(
    parts,
    st.sampled_from([keys.MESSAGE, keys.ACK, keys.CONNECTION, keys.REACTION, keys.REVOKED, "unknown.call"]),
    st.lists(parts, min_size=1, max_size=3),
)


@pytest.mark.parametrize("vector", VECTORS["events"], ids=lambda vector: vector["about"])
def test_event_vectors(vector: dict[str, Any]) -> None:
    given_fields = dict(vector["fields"])
    content = vector.get("content")
    if content is not None:
        assert canonical.encode(content).decode() == vector["canonical_content"]
    key = keys.for_event(
        given_fields.pop("source_system"), given_fields.pop("event_type"), **given_fields, content=content
    )
    assert key == vector["idempotency_key"]
    _assert_ids(key, vector)


@pytest.mark.parametrize("vector", VECTORS["gateway"], ids=lambda vector: vector["about"])
def test_gateway_vectors(vector: dict[str, Any]) -> None:
    key = keys.for_gateway(vector["channel"], vector["kind"], *vector["parts"])
    assert key == vector["idempotency_key"]
    _assert_ids(key, vector)


def _assert_ids(key: str, vector: dict[str, Any]) -> None:
    assert keys.event_id(key) == vector["event_id"]
    assert keys.stream_key(key) == vector["stream_key"]
    assert keys.command_id(vector["event_id"], "whatsapp") == vector["command_id"]


def test_vectors_name_the_namespace() -> None:
    assert VECTORS["namespace"] == str(keys.NAMESPACE) == str(uuid.uuid5(uuid.NAMESPACE_DNS, "posto.events"))


@given(event_fields, event_fields)
def test_different_facts_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (_key(one) == _key(other)) == (_named_by(one) == _named_by(other))


@given(event_fields, gateway_fields)
def test_no_key_ends_in_a_space_that_mysql_would_not_see(
    fields: dict[str, Any], gateway: tuple[str, str, list[str]]
) -> None:
    assert not _key(fields).endswith(" ")
    assert not keys.for_gateway(*gateway[:2], *gateway[2]).endswith(" ")


@given(event_fields, gateway_fields)
def test_a_producer_cannot_make_a_key_of_the_gateway(
    fields: dict[str, Any], gateway: tuple[str, str, list[str]]
) -> None:
    fields["source_system"] = keys.GATEWAY
    channel, kind, rest = gateway
    if not keys.is_reserved(keys.GATEWAY, fields["event_type"]):
        assert _key(fields) != keys.for_gateway(channel, kind, *rest)


def test_the_kinds_of_the_gateway_are_reserved_for_it() -> None:
    assert keys.is_reserved("wpp_gateway", "message")
    assert keys.is_reserved("wpp_gateway", "unknown.call")
    assert not keys.is_reserved("wpp_gateway", "whatsapp.inbound.message")
    assert not keys.is_reserved("erp", "message")


@given(event_fields)
def test_the_stream_key_is_the_ordering_key_else_the_key(fields: dict[str, Any]) -> None:
    key = _key(fields)
    if fields["source_system"] != keys.GATEWAY:
        assert keys.stream_key(key) == (fields["ordering_key"] or key)


@given(gateway_fields)
def test_the_stream_key_of_the_gateways_is_the_channel(gateway: tuple[str, str, list[str]]) -> None:
    channel, kind, rest = gateway
    assert keys.stream_key(keys.for_gateway(channel, kind, *rest)) == channel
    without_channel = keys.for_gateway(None, kind, *rest)
    assert keys.stream_key(without_channel) == without_channel


@given(texts)
def test_ids_are_uuids_of_version_5(key: str) -> None:
    expected = uuid.uuid5(keys.NAMESPACE, key)
    assert keys.event_id(key) == str(expected)
    assert keys.id_bytes(str(expected)) == keys.hashed(key) == expected.bytes


def test_a_command_id_depends_on_event_and_action_alone() -> None:
    event_id = keys.event_id("erp|1|billing.invoice.overdue")
    assert keys.command_id(event_id, "whatsapp") == keys.command_id(event_id, "whatsapp")
    assert keys.command_id(event_id, "whatsapp") != keys.command_id(event_id, "chat")
    assert keys.command_id(event_id, "whatsapp") != keys.command_id(keys.event_id("erp|2|billing"), "whatsapp")


@given(json_objects)
def test_a_fingerprint_does_not_know_the_order_of_keys(content: dict[str, Any]) -> None:
    assert keys.fingerprint(dict(reversed(content.items()))) == keys.fingerprint(content)


def _key(fields: dict[str, Any]) -> str:
    return keys.for_event(**fields)


def _named_by(fields: dict[str, Any]) -> Any:
    """What names the fact, without the escaping under test."""
    source, own, ordering = fields["source_system"], fields["idempotency_key"], fields["ordering_key"]
    if own is not None:
        return (source, "own", own, ordering)
    external_id = fields["external_id"]
    name = ("hash", canonical.encode(fields["content"])) if external_id is None else ("id", external_id)
    return (source, name, fields["event_type"], fields["occurrence"], ordering)


@pytest.mark.parametrize(
    "named", ["", "one", "7d1a2b34-0000-5000-8000-00000000000", "7d1a2b34-0000-5000-8000-00000000000g", " " * 32]
)
def test_what_is_no_uuid_is_no_id(named: str) -> None:
    with pytest.raises(ValueError, match=r"UUID|[Hh]exadecimal"):
        keys.id_bytes(named)
