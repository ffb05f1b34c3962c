"""A lid is a phone by evidence alone; an operator's word stands; two phones are no guess."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contacts import ContactLink, LinkChange, LinkEvidence
from streams import identity, keys
from streams.contact_links import NO_EVIDENCE, Resolution, claims, link_of, resolve
from tests.streams.json_values import json_values
from tests.streams.samples import RECEIVED_AT, event

LID = "100000000000001@lid"
PHONE, OTHER = "5547999990001@c.us", "5547999990002@c.us"
KEY = identity.match_key(PHONE)


def said(
    evidence: LinkEvidence, seconds: int = 0, phone: str = PHONE, what: LinkChange = LinkChange.LINKED, by: str = "Ana"
) -> ContactLink:
    return ContactLink(
        lid=LID,
        phone=phone,
        tenant_id=1,
        evidence=evidence,
        what=what,
        at=RECEIVED_AT + timedelta(seconds=seconds),
        trace_id=f"trace-{seconds}",
        by=by if evidence is LinkEvidence.OPERATOR else None,
        reason="asked by phone" if evidence is LinkEvidence.OPERATOR else None,
    )


def undone(seconds: int, phone: str = PHONE, by: str = "Ana") -> ContactLink:
    return said(LinkEvidence.OPERATOR, seconds, phone, LinkChange.UNDONE, by)


def resolved(*facts: ContactLink) -> Resolution:
    return resolve(claims(facts))


any_fact = st.builds(
    lambda evidence, seconds, phone, undoes, by: (
        undone(seconds, phone, by)
        if undoes and evidence is LinkEvidence.OPERATOR
        else said(evidence, seconds, phone, by=by)
    ),
    st.sampled_from(LinkEvidence),
    st.integers(0, 3),
    st.sampled_from([PHONE, "554799990001@c.us", OTHER]),
    st.booleans(),
    st.sampled_from(["Ana", "Bia"]),
)


@given(st.lists(any_fact, max_size=8), st.randoms(use_true_random=False), st.data())
def test_order_and_repetition_of_facts_do_not_matter(facts: list[ContactLink], random: Random, data: Any) -> None:
    again = facts + data.draw(st.lists(st.sampled_from(facts), max_size=4) if facts else st.just([]))
    random.shuffle(again)
    assert claims(again) == claims(facts)
    assert resolved(*again) == resolved(*facts)


@given(st.lists(any_fact, max_size=8))
def test_a_lid_is_one_phone_or_there_is_a_reason(facts: list[ContactLink]) -> None:
    found = resolved(*facts)
    assert (found.phone is None) != (found.reason is None)
    assert found.phone is None or found.phone in {identity.match_key(fact.phone) for fact in facts}


@pytest.mark.parametrize("evidence", [LinkEvidence.PAYLOAD, LinkEvidence.GATEWAY, LinkEvidence.OPERATOR])
def test_evidence_links_a_lid_to_its_phone(evidence: LinkEvidence) -> None:
    assert resolved(said(evidence)) == Resolution(KEY)


def test_without_evidence_it_is_unresolved() -> None:
    assert resolved() == Resolution(None, NO_EVIDENCE)


def test_two_spellings_of_a_phone_are_one() -> None:
    assert resolved(said(LinkEvidence.PAYLOAD), said(LinkEvidence.GATEWAY, 1, "554799990001@c.us")) == Resolution(KEY)


def test_two_phones_are_ambiguous_until_an_operator_undoes_one() -> None:
    both = said(LinkEvidence.PAYLOAD), said(LinkEvidence.GATEWAY, 1, OTHER)
    assert resolved(*both) == Resolution(None, "ambiguous: 2 phones")
    assert resolved(*both, undone(2, OTHER)) == Resolution(KEY)


@given(st.integers(0, 9), st.integers(0, 9))
def test_what_an_operator_undid_stays_undone_whatever_evidence_comes(before: int, after: int) -> None:
    facts = [said(LinkEvidence.PAYLOAD, before), undone(5, by="Bia"), said(LinkEvidence.GATEWAY, after)]
    assert resolved(*facts) == Resolution(None, "undone by Bia")


def test_an_operators_link_revives_what_was_undone() -> None:
    facts = said(LinkEvidence.PAYLOAD), undone(1), said(LinkEvidence.OPERATOR, 2)
    assert resolved(*facts) == Resolution(KEY)
    assert resolved(*facts, undone(3)) == Resolution(None, "undone by Ana")


def test_of_two_decisions_at_one_moment_the_undoing_stands() -> None:
    assert resolved(said(LinkEvidence.OPERATOR, 1), undone(1, by="Bia")).reason == "undone by Bia"


def test_an_operators_link_counts_alone() -> None:
    facts = said(LinkEvidence.GATEWAY, 0, OTHER), said(LinkEvidence.OPERATOR, 1)
    assert resolved(*facts) == Resolution(KEY)
    assert resolved(*facts, said(LinkEvidence.OPERATOR, 2, OTHER)).reason == "ambiguous: 2 phones"


@pytest.mark.parametrize(
    ("evidence", "what", "by"),
    [
        (LinkEvidence.PAYLOAD, LinkChange.UNDONE, "Ana"),
        (LinkEvidence.GATEWAY, LinkChange.UNDONE, None),
        (LinkEvidence.OPERATOR, LinkChange.LINKED, None),
        (LinkEvidence.OPERATOR, LinkChange.UNDONE, ""),
    ],
)
def test_only_an_operator_with_a_name_undoes(evidence: LinkEvidence, what: LinkChange, by: str | None) -> None:
    with pytest.raises(ValueError, match="operator"):
        ContactLink(
            lid=LID, phone=PHONE, tenant_id=1, evidence=evidence, what=what, at=RECEIVED_AT, trace_id="t", by=by
        )


def carrying(link: Any, **fields: Any) -> Any:
    return event("whatsapp.inbound.message", {"link": link}, **{"source_system": keys.GATEWAY, **fields})


def test_a_body_that_carries_both_links_them() -> None:
    found = link_of(carrying({"lid": LID, "phone": PHONE}, channel="canalum"), 7)
    assert found is not None
    assert (found.lid, found.phone, found.tenant_id, found.channel) == (LID, PHONE, 7, "canalum")
    assert (found.evidence, found.what, found.at) == (LinkEvidence.PAYLOAD, LinkChange.LINKED, RECEIVED_AT)
    assert found.event_id == carrying(None).event_id


def test_a_device_of_a_lid_is_the_lid() -> None:
    found = link_of(carrying({"lid": "100000000000001:12@lid", "phone": PHONE}), 1)
    assert found is not None
    assert found.lid == LID


@pytest.mark.parametrize(
    "link",
    [
        {"lid": LID},
        {"phone": PHONE},
        {"lid": PHONE, "phone": LID},
        {"lid": LID, "phone": "120363000000000001@g.us"},
        {"lid": LID, "phone": "someone@c.us"},
        {"lid": LID, "phone": "100000000000001@c.us"},  # the engine's echo of a lid that it took for a phone
        {"lid": "", "phone": ""},
        {"lid": 1, "phone": 2},
    ],
)
def test_what_is_not_a_lid_with_a_phone_links_nothing(link: Any) -> None:
    assert link_of(carrying(link), 1) is None


def test_only_the_gateway_is_a_witness_and_only_for_a_tenant() -> None:
    link = {"lid": LID, "phone": PHONE}
    assert link_of(carrying(link, source_system="erp"), 1) is None
    assert link_of(carrying(link), None) is None
    assert link_of(event("erp.note", {"link": link}, source_system=keys.GATEWAY), 1) is None


@given(json_values)
def test_no_payload_is_too_odd(link: Any) -> None:
    assert link_of(carrying(link), 1) is None
