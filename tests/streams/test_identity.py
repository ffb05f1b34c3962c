"""Channels, contacts and message ids, whatever way they are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import identity
from streams.identity import ContactKind

AREA_CODES = [str(code) for code in range(11, 100) if code % 10]
area_codes = st.sampled_from(AREA_CODES)
mobiles = st.tuples(area_codes, st.sampled_from("6789"), st.integers(0, 9_999_999).map("{:07}".format))


@pytest.mark.parametrize("spelled", ["Canal Um", "canalum", "CANALUM", " canal\u00a0um ", "canal\tum"])
def test_spellings_of_one_channel(spelled: str) -> None:
    assert identity.canonical_channel(spelled) == "canalum"


def test_accents_count_but_not_how_they_are_composed() -> None:
    assert identity.canonical_channel("São João") == identity.canonical_channel("SA\u0303O JOA\u0303O") == "sãojoão"
    assert identity.canonical_channel("Sao Joao") != identity.canonical_channel("São João")


def test_a_letter_that_only_looks_alike_is_another_channel() -> None:
    assert identity.canonical_channel("c\u0430nalum") != "canalum"


@given(st.text())
def test_the_canonical_channel_is_its_own_canonical_form(spelled: str) -> None:
    canonical = identity.canonical_channel(spelled)
    assert identity.canonical_channel(canonical) == canonical


@pytest.mark.parametrize(
    ("spelled", "kind", "key"),
    [
        ("5547999990001@c.us", ContactKind.PHONE, "554799990001"),
        ("554799990001@c.us", ContactKind.PHONE, "554799990001"),
        ("5547999990001@s.whatsapp.net", ContactKind.PHONE, "554799990001"),
        ("5547999990001:12@s.whatsapp.net", ContactKind.PHONE, "554799990001"),
        ("5547999990001", ContactKind.PHONE, "554799990001"),
        ("+55 (47) 99999-0001", ContactKind.PHONE, "554799990001"),
        ("554733330000@c.us", ContactKind.PHONE, "554733330000"),
        ("5547933330000@c.us", ContactKind.PHONE, "5547933330000"),
        ("5547899990001@c.us", ContactKind.PHONE, "5547899990001"),
        ("14155550100@c.us", ContactKind.PHONE, "14155550100"),
        ("4915112345678@c.us", ContactKind.PHONE, "4915112345678"),
        ("5491123456789@c.us", ContactKind.PHONE, "5491123456789"),
        ("79991234567@c.us", ContactKind.PHONE, "79991234567"),
        ("123@c.us", ContactKind.PHONE, "123"),
        ("100000000000001@lid", ContactKind.LID, "100000000000001@lid"),
        ("100000000000001", ContactKind.LID, "100000000000001@lid"),
        ("100000000000001:3@lid", ContactKind.LID, "100000000000001@lid"),
        ("120363000000000001@g.us", ContactKind.GROUP, "120363000000000001@g.us"),
        ("5547999990001-1500000000@g.us", ContactKind.GROUP, "5547999990001-1500000000@g.us"),
        ("120363000000000009@newsletter", ContactKind.NEWSLETTER, "120363000000000009@newsletter"),
        ("status@broadcast", ContactKind.BROADCAST, "status@broadcast"),
        ("Fulano@Example.com", ContactKind.OTHER, "fulano@example.com"),
    ],
)
def test_a_contact_has_a_kind_and_a_match_key(spelled: str, kind: ContactKind, key: str) -> None:
    contact = identity.contact(spelled)
    assert (contact.kind, contact.id, contact.key) == (kind, spelled, key)
    assert identity.match_key(spelled) == key


@pytest.mark.parametrize(
    "spelled",
    [
        "",
        "   ",
        "maria",
        "@c.us",
        "47 9999 (Maria)",
        "+",
        "5" * 300,
        "1@" + "c" * 300,
        "ß@lid",
        "5547\x00@c.us",
        "1 2@lid",
        "5547@c\n.us",
        "\u0661\u0662@c.us",
        "\u0661\u0662",
        "-1",
        "-5547999990001",
        "1" + 30 * "0",
        "55" + 30 * "0",
    ],
)
def test_what_names_no_one_is_refused(spelled: str) -> None:
    with pytest.raises(ValueError, match=r"neither|no digits|not a contact"):
        identity.match_key(spelled)


@given(st.sampled_from("6789"), st.integers(0, 9_999_999).map("{:07}".format), st.integers(0, 99))
def test_all_spellings_of_a_brazilian_mobile_share_a_key_in_every_area(first: str, rest: str, device: int) -> None:
    keys = set()
    for area in AREA_CODES:
        with_nine, without = f"55{area}9{first}{rest}", f"55{area}{first}{rest}"
        written = f"+55 ({area}) 9{first}{rest[:3]}-{rest[3:]}"
        jids = [f"{digits}{user}@{domain}" for digits in (with_nine, without) for user, domain in _domains(device)]
        spellings = [with_nine, without, f" {with_nine} ", written, written.replace("-", "\u2011"), *jids]
        assert {identity.match_key(spelling) for spelling in spellings} == {without}
        keys.add(without)
    assert len(keys) == len(AREA_CODES) == 81


def _domains(device: int) -> list[tuple[str, str]]:
    return [("", "c.us"), ("", "C.US"), ("", "s.whatsapp.net"), (f":{device}", "s.whatsapp.net")]


@given(mobiles, mobiles)
def test_different_brazilian_mobiles_never_share_a_key(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    if one != other:
        keys = {
            identity.match_key(f"55{area}{nine}{first}{rest}")
            for area, first, rest in (one, other)
            for nine in ("", "9")
        }
        assert len(keys) == 2


@given(mobiles, st.sampled_from("2345"), st.integers(0, 9_999_999).map("{:07}".format))
def test_a_mobile_and_a_fixed_line_never_share_a_key(mobile: tuple[str, str, str], first: str, rest: str) -> None:
    area, start, end = mobile
    of_mobile = {identity.match_key(f"55{area}{nine}{start}{end}") for nine in ("", "9")}
    of_line = {identity.match_key(f"55{area}{nine}{first}{rest}") for nine in ("", "9")}
    assert (len(of_mobile), len(of_line)) == (1, 2)
    assert not of_mobile & of_line


@given(st.integers(10**9, 10**19).map(str))
def test_equal_digits_of_other_kinds_are_other_parties(digits: str) -> None:
    domains = ("c.us", "lid", "g.us", "newsletter", "broadcast")
    assert len({identity.match_key(f"{digits}@{domain}") for domain in domains}) == len(domains)


@given(st.integers(10**6, 10**13).map(str).filter(lambda digits: not digits.startswith("55")))
def test_foreign_numbers_stay_untouched(digits: str) -> None:
    assert identity.match_key(f"{digits}@c.us") == digits
    assert identity.recipient(f"+{digits}") == digits


@given(st.integers(10**13, 10**19).map(str))
def test_a_lid_never_matches_a_phone(digits: str) -> None:
    assert identity.match_key(f"{digits}@lid") != identity.match_key(f"{digits}@c.us")


@pytest.mark.parametrize(
    ("given_as", "called_with"),
    [
        ("(47) 99999-0001", "5547999990001"),
        ("47 9999-0001", "554799990001"),
        ("47 3333-0000", "554733330000"),
        ("047 99999-0001", "5547999990001"),
        ("47999990001", "5547999990001"),
        (47999990001, "5547999990001"),
        ("5547999990001", "5547999990001"),
        (5547999990001, "5547999990001"),
        ("554799990001", "554799990001"),
        ("+55 47 99999-0001", "5547999990001"),
        ("0055 47 99999-0001", "5547999990001"),
        ("+1 (415) 555-0100", "14155550100"),
        ("14155550100", "14155550100"),
        ("+7 999 123 45 67", "79991234567"),
        ("5547999990001@c.us", "5547999990001@c.us"),
        ("554799990001@c.us", "554799990001@c.us"),
        ("100000000000001@lid", "100000000000001@lid"),
        ("100000000000001", "100000000000001@lid"),
        ("120363000000000001@g.us", "120363000000000001@g.us"),
    ],
)
def test_the_gateway_is_called_with_a_full_number_or_the_exact_id(given_as: str | int, called_with: str) -> None:
    assert identity.recipient(given_as) == called_with


@pytest.mark.parametrize(
    "given_as",
    ["", "maria", "maria@example.com", "@", "+", "47 99999-0001 ramal 2", -5547999990001, "-5547999990001", 10**30],
)
def test_what_is_no_recipient_is_refused(given_as: str | int) -> None:
    with pytest.raises(ValueError, match=r"neither|no digits|not a contact"):
        identity.recipient(given_as)


@given(mobiles)
def test_a_recipient_with_or_without_country_is_one_contact(mobile: tuple[str, str, str]) -> None:
    area, first, rest = mobile
    national = identity.recipient(f"({area}) 9{first}{rest}")
    assert identity.match_key(national) == identity.match_key(f"55{area}{first}{rest}@c.us")
    assert identity.recipient(national) == national


def test_the_recipient_is_the_first_field_that_is_there() -> None:
    assert identity.recipient_in({"to": "", "phone": None, "phone_normalized": "5547999990001"}) == "5547999990001"
    assert identity.recipient_in({"to": 5547999990001, "phone": "4733330000"}) == 5547999990001
    assert identity.recipient_in({"to": True, "phone": ["5547999990001"]}) is None


def test_a_conversation_needs_channel_and_contact() -> None:
    assert identity.conversation_id("canalum", "554799990001") == "canalum:554799990001"
    assert identity.conversation_id(None, "554799990001") is None
    assert identity.conversation_id("canalum", None) is None


SERIALIZED = "true_5547999990001@c.us_3eb0aa17"
IN_GROUP = "false_120363000000000001@g.us_2AE6AA03_100000000000002@lid"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (SERIALIZED, "3EB0AA17"),
        ("3EB0AA17", "3EB0AA17"),
        (" 3eb0aa17 ", "3EB0AA17"),
        ("test_1", "TEST_1"),
        ({"fromMe": True, "remote": "5547999990001@c.us", "id": "3EB0AA17", "_serialized": SERIALIZED}, "3EB0AA17"),
        ({"id": "3EB0AA17"}, "3EB0AA17"),
        ({"_serialized": 7, "id": SERIALIZED}, "3EB0AA17"),
        (IN_GROUP, "2AE6AA03"),
    ],
)
def test_the_message_key_is_the_stable_part_of_an_id(written: object, key: str) -> None:
    assert identity.message_key(written) == key


@pytest.mark.parametrize(
    "written",
    ["", " ", "5547999990001@c.us", "false_5547999990001@c.us", "true__", "true_a@c.us_", "x" * 300, {}, 7, None, []],
)
def test_an_id_that_names_no_single_message_is_none(written: object) -> None:
    assert identity.message_key(written) is None


def test_a_long_id_tells_direction_chat_and_speaker() -> None:
    parsed = identity.message_id(IN_GROUP)
    assert parsed is not None
    assert (parsed.from_me, parsed.chat, parsed.participant) == (
        False,
        "120363000000000001@g.us",
        "100000000000002@lid",
    )
    of_object = identity.message_id({"fromMe": True, "remote": "5547999990001@c.us", "id": "3EB0AA17"})
    assert of_object is not None
    assert (of_object.from_me, of_object.chat, of_object.full) == (True, "5547999990001@c.us", "3EB0AA17")


def test_one_message_has_one_key_under_phone_and_lid() -> None:
    assert identity.message_key("false_5547999990001@c.us_3EB0AA01") == identity.message_key(
        "false_100000000000001@lid_3EB0AA01"
    )


@pytest.mark.parametrize("contact", ["554799990001", "100000000000001@lid", "120363000000000001@g.us", "4930123456"])
@pytest.mark.parametrize("channel", ["canalum", "a:b"])
def test_a_conversation_names_its_channel_and_contact(channel: str, contact: str) -> None:
    assert identity.parties_of(f"{channel}:{contact}") == (channel, contact)


@pytest.mark.parametrize(
    "text", ["", ":", "canalum", "canalum:", ":554799990001", "Canal Um:554799990001", "canalum:x@y"]
)
def test_what_is_no_conversation_has_no_parties(text: str) -> None:
    assert identity.parties_of(text) is None
