"""Webhooks to events: the traps of the field notes, and whatever else may come."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Event
from streams import revisions
from streams.normalization import fields, webhooks
from streams.normalization.content import MAX_TEXT
from streams.normalization.errors import NormalizationError
from streams.normalization.noise import Noise
from streams.normalization.raw import RawRecord
from tests.streams.json_values import json_objects, small_json_values
from tests.support.properties import examples

RAW = RawRecord.of("raw.webhook", 3, 42, 1768512936000, [("raw_id", b"R-1")])
PHONE, LID, OWN = "5547999990001@c.us", "100000000000001@lid", "554733330000@c.us"
OWN_TYPES = ["chat", "vcard", "location", "ptt", "image", "document", "sticker", "poll_creation", "ciphertext", None]


def wrapped(message: dict[str, Any] | None, payload: dict[str, Any], **top: Any) -> dict[str, Any]:
    return {"event": "message", "session": {"id": "Canal Um"}, "message": message, "raw": {"payload": payload}} | top


def normalized(body: Any, raw: RawRecord = RAW) -> Event | Noise:
    found = webhooks.normalize(json.dumps(body).encode(), raw)
    if isinstance(found, Noise):
        return found
    ((event, _),) = found
    return event


def event_of(body: Any, raw: RawRecord = RAW) -> Event:
    event = normalized(body, raw)
    assert isinstance(event, Event)
    return event


def text_message(**changes: Any) -> dict[str, Any]:
    message = {"id": f"false_{PHONE}_3EB0AA01", "from": PHONE, "to": OWN, "text": "oi", "timestamp": 1768512935}
    return wrapped(message | changes, {"event": "onmessage", "type": "chat", "fromMe": False})


def test_three_emissions_are_one_fact() -> None:
    emissions = [
        event_of(text_message() | {"event_id": f"e{number}", "correlation_id": f"c{number}", "timestamp": number})
        for number in range(3)
    ]
    assert len({(event.event_id, event.fingerprint) for event in emissions}) == 1
    assert [event.metadata["gateway_event_id"] for event in emissions] == ["e0", "e1", "e2"]


def test_the_chat_part_of_an_id_may_change_between_emissions() -> None:
    by_phone = event_of(text_message())
    by_lid = event_of(text_message(id=f"false_{LID}_3EB0AA01", **{"from": LID}))
    assert (by_lid.event_id, by_lid.fingerprint) == (by_phone.event_id, by_phone.fingerprint)
    assert (by_phone.contact, by_lid.contact) == ("554799990001", LID)


def test_spellings_of_a_channel_are_one_channel_and_the_exact_one_is_kept() -> None:
    one, other = (event_of(text_message() | {"session": session}) for session in ({"id": "Canal Um"}, "CANALUM"))
    assert one.event_id == other.event_id
    assert (one.metadata["channel_id"], other.metadata["channel_id"]) == ("Canal Um", "CANALUM")


def test_the_same_id_on_two_channels_is_two_messages() -> None:
    assert event_of(text_message()).event_id != event_of(text_message() | {"session": {"id": "canal2"}}).event_id


def test_another_text_under_the_same_id_has_another_fingerprint() -> None:
    one, other = event_of(text_message()), event_of(text_message(text="outra coisa"))
    assert one.event_id == other.event_id
    assert one.fingerprint != other.fingerprint


def test_without_an_id_content_and_time_name_a_message() -> None:
    body = {"event": "message", "channel": "canalum", "from": "5547999990001", "body": "oi", "timestamp": 1768512935}
    assert event_of(body).event_id == event_of(body | {"event_id": "new", "timestamp": "1768512935000"}).event_id
    for change in ({"body": "olá"}, {"timestamp": 1768512936}, {"from": "5547999990002"}, {"channel": "canal2"}):
        assert event_of(body).event_id != event_of(body | change).event_id


def test_two_voice_notes_of_one_second_are_two_messages() -> None:
    first = {"event": "message", "channel": "canalum", "from": PHONE, "timestamp": 1768512935, "type": "ptt"}
    assert event_of(first | {"text": "T2dnUwAA"}).event_id != event_of(first | {"text": "T2dnUwBB"}).event_id


def test_without_id_and_time_each_raw_record_is_a_message_of_its_own() -> None:
    body = {"event": "message", "channel": "canalum", "from": "5547999990001", "body": "Olá"}
    again = RawRecord.of("raw.webhook", 3, 43, 1768512936000, [("raw_id", b"R-1")])
    other = RawRecord.of("raw.webhook", 3, 44, 1768512936000, [("raw_id", b"R-2")])
    assert event_of(body).event_id == event_of(body, again).event_id
    assert event_of(body).event_id != event_of(body, other).event_id


def test_a_shell_is_its_message_of_which_less_is_known() -> None:
    text = event_of(text_message(id=f"true_{PHONE}_3EB0AA01"))
    ciphertext = wrapped({"id": f"false_{LID}_3EB0AA01", "text": ""}, {"type": "ciphertext", "subtype": "fanout"})
    key = {"id": "3EB0AA01", "remoteJid": PHONE, "fromMe": True}
    for body in (
        ciphertext,
        text_message(text=" "),
        *(wrapped({"to": PHONE}, {"key": key, "type": kind}, event="message.sent") for kind in OWN_TYPES),
    ):
        shell = event_of(body)
        assert (shell.event_id, shell.revision, shell.payload["shell"]) == (text.event_id, revisions.SHELL, True)
    assert text.revision == revisions.COMPLETE
    assert "shell" not in text.payload


def test_a_received_file_is_a_message_though_nothing_but_its_type_is_told() -> None:
    event = event_of(wrapped({"id": f"false_{PHONE}_3EB0AA01", "from": PHONE}, {"type": "image"}))
    assert (event.revision, "shell" in event.payload) == (revisions.COMPLETE, False)


def test_a_text_under_the_type_of_a_shell_is_a_text() -> None:
    payload = event_of(wrapped({"id": f"false_{PHONE}_3EB0AA01", "text": "oi"}, {"type": "ciphertext"})).payload
    assert (payload["type"], payload["text"]) == ("text", "oi")


def test_the_other_party_of_an_own_message_is_never_the_own_number() -> None:
    own = text_message(**{"id": f"true_{PHONE}_3EB0AA17", "from": OWN, "to": PHONE})
    own["raw"]["payload"] = {"event": "onselfmessage", "type": "chat", "fromMe": True}
    event = event_of(own)
    assert (event.event_type, event.contact) == ("whatsapp.outbound.message", "554799990001")
    del own["message"]["to"]
    assert event_of(own).contact == "554799990001"
    own["message"]["id"] = "3EB0AA17"
    assert event_of(own).contact is None


def test_the_engines_name_says_more_than_the_wrappers() -> None:
    own = event_of(wrapped({"id": "3EB0AA17", "to": PHONE, "text": "oi"}, {"event": "onselfmessage", "type": "chat"}))
    assert (own.event_type, own.contact) == ("whatsapp.outbound.message", "554799990001")
    deleted = event_of(wrapped({"id": "3EB0AA40"}, {"event": "onrevokedmessage", "refId": f"false_{PHONE}_3EB0AA01"}))
    assert deleted.idempotency_key == "wpp_gateway|canalum|revoked|3EB0AA01"


def test_numbers_elsewhere_in_the_body_are_never_taken_for_a_contact() -> None:
    body = {"event": "message", "channel": "canalum", "id": "3EB0AA01", "text": "oi", "me": {"wid": OWN}, "owner": OWN}
    event = event_of(body)
    assert (event.contact, event.conversation_id) == (None, None)


@pytest.mark.parametrize("kind", ["image", "video", "audio", "ptt", "document", "sticker", "location", "chat", None])
@pytest.mark.parametrize(
    "start", ["T2dnUwACAAAA", "/9j/4AAQSkZJRg", "JVBERi0xLjQK", "data:image/png;base64,iVBOR", "QUJD"]
)
def test_bytes_never_reach_an_event(kind: str | None, start: str) -> None:
    hidden = start + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 30
    body = text_message(text=hidden, body=hidden, caption=hidden)
    body["raw"]["payload"] |= {"type": kind, "body": hidden, "caption": hidden}
    event = event_of(body)
    assert "QUJDREVGR0hJ" not in msgspec.json.encode(event).decode()
    assert ("media" in event.payload) == (kind != "location")


def test_bytes_never_reach_an_event_by_a_field_beside_the_text() -> None:
    hidden = "/9j/4AAQSkZJRg" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 30
    names = ("notifyName", "filename", "loc", "mediaId", "mimetype", "status", "state", "quotedMsg", "sender", "type")
    for kind in ("image", "location", "chat"):
        for event in ("onmessage", "onack", "onstatechanged", "onsomething"):
            payload: dict[str, Any] = {"event": event, "lat": 1, "lng": 2} | dict.fromkeys(names, hidden)
            payload |= {"type": kind, "quotedMsg": {"body": hidden}, "quotedStanzaID": "3EB0AA02"}
            payload["sender"] = {"pushname": hidden}
            body = wrapped({"id": f"false_{PHONE}_3EB0AA01", "from": PHONE, "text": None}, payload)
            assert "QUJDREVGR0hJ" not in msgspec.json.encode(event_of(body)).decode()


def test_a_long_text_is_no_bytes() -> None:
    text = "Segue o link https://example.com/" + "a1b2" * 500 + " e a chave. " + "lorem ipsum " * 300
    assert event_of(text_message(text=text)).payload["text"] == text


def test_a_text_beyond_what_whatsapp_takes_is_cut_and_says_so() -> None:
    payload = event_of(text_message(text="a b " * 50_000)).payload
    assert (len(payload["text"]), payload["text_length"]) == (MAX_TEXT, 200_000)


def test_a_body_of_megabytes_becomes_a_small_event() -> None:
    body = text_message(text="T2dnUw" + "A" * 10_000_002)
    body["raw"]["payload"]["type"] = "ptt"
    event = event_of(body)
    assert len(msgspec.json.encode(event)) < 2_000
    assert event.payload["media"]["size"] == 7_500_006


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"oi \ud83d", "oi \ufffd"),
        (rb"\ude00 oi", "\ufffd oi"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\ud83d\u0041 \uDE00", "\ufffdA \ufffd"),
        (rb"\ud83d\ude00 \\ud83d \ud83d", "😀 \\ud83d \ufffd"),
    ],
)
def test_half_a_character_costs_no_message(written: bytes, read: str) -> None:
    body = json.dumps(text_message(text="TEXT")).encode().replace(b"TEXT", written)
    found = webhooks.normalize(body, RAW)
    assert not isinstance(found, Noise)
    assert [event.payload["text"] for event, _ in found] == [read]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("connected", "connected"),
        ("CONNECTED", "connected"),
        ("open", "connected"),
        ("inChat", "connected"),
        ("isLogged", "connected"),
        ("qrReadSuccess", "connected"),
        ("disconnected", "disconnected"),
        ("close", "disconnected"),
        ("desconnectedMobile", "disconnected"),
        ("browserClose", "disconnected"),
        ("autocloseCalled", "disconnected"),
        ("qrReadError", "disconnected"),
        ("qrcode", "qr_required"),
        ("notLogged", "qr_required"),
    ],
)
def test_states_of_a_channel_are_whole_words(word: str, state: str) -> None:
    for body in (
        {"event": "connection.update", "channel": "canalum", "status": word},
        {"event": "connection.update", "session": {"id": "canalum"}, "connection": {"status": word}},
        {"event": "status-find", "session": "canalum", "status": word},
        wrapped(None, {"event": "onstatechanged", "state": word}, event="connection.update"),
    ):
        event = event_of(body)
        assert (event.event_type, event.payload["state"]) == ("whatsapp.connection.update", state)
    assert event_of({"event": "connection.update", "status": f"re{word}"}).event_type.startswith("whatsapp.unknown.")


@pytest.mark.parametrize("word", ["available", "unavailable", "composing", "paused"])
def test_presence_is_no_state_of_a_channel(word: str) -> None:
    for body in (
        {"event": "connection.update", "channel": "Canal Um", "status": word},
        wrapped(None, {"event": "onpresencechanged", "state": "connected"}, event="connection.update"),
        {"event": "onpresencechanged", "session": "Canal Um", "id": PHONE, "state": word},
    ):
        assert normalized(body) == Noise("presence", "canalum")


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("sent", "sent"),
        ("DELIVERED", "delivered"),
        ("read", "read"),
        ("played", "played"),
        ("failed", "failed"),
        (-1, "failed"),
        (0, "pending"),
        (1, "sent"),
        (2, "delivered"),
        (3, "read"),
        (4, "played"),
        ("3", "read"),
    ],
)
def test_acks_are_words_or_numbers(written: Any, status: str) -> None:
    serialized = f"true_{PHONE}_3EB0AA17"
    for body in (
        {"event": "message.ack", "channel": "canalum", "messageId": serialized, "status": written},
        {
            "event": "onack",
            "session": "canalum",
            "id": {"fromMe": True, "remote": PHONE, "id": "3EB0AA17"},
            "ack": written,
        },
        wrapped(None, {"event": "onack", "id": serialized, "ack": written}, event="message.ack"),
    ):
        event = event_of(body)
        assert event.event_type == "whatsapp.delivery.ack"
        assert event.idempotency_key == f"wpp_gateway|canalum|ack|3EB0AA17|{status}"
        assert event.payload["status"] == status


def test_a_repeated_ack_is_a_duplicate_whenever_it_comes() -> None:
    ack = {
        "event": "message.ack",
        "channel": "canalum",
        "messageId": "3EB0AA17",
        "status": "read",
        "timestamp": 1768512935,
    }
    one, other = event_of(ack), event_of(ack | {"status": 3, "timestamp": 1768512999, "messageId": "3eb0aa17"})
    assert (one.event_id, one.fingerprint) == (other.event_id, other.fingerprint)


@pytest.mark.parametrize("status", [True, 5, -2, "almost", None, {}, []])
def test_an_ack_that_says_nothing_known_stays_unknown(status: Any) -> None:
    event = event_of({"event": "message.ack", "channel": "canalum", "messageId": "3EB0AA17", "status": status})
    assert event.event_type == "whatsapp.unknown.message.ack"


@pytest.mark.parametrize("message_id", [None, "", PHONE, {}, 7])
def test_an_ack_of_no_message_stays_unknown(message_id: Any) -> None:
    event = event_of({"event": "message.ack", "channel": "canalum", "messageId": message_id, "status": "read"})
    assert event.event_type == "whatsapp.unknown.message.ack"


def test_unknown_events_that_differ_are_told_apart() -> None:
    call = {"event": "incomingcall", "session": "canalum", "peer": PHONE, "t": 1769000500}
    again = event_of(call | {"correlation_id": "new", "event_id": "new"})
    other = event_of(call | {"peer": LID})
    assert event_of(call).fingerprint == again.fingerprint != other.fingerprint


def test_a_trace_comes_from_the_headers_then_from_the_gateway_then_from_the_coordinates() -> None:
    body = text_message() | {"correlation_id": "c-1"}
    named = RawRecord.of("raw.webhook", 3, 42, 1768512936000, [("trace_id", b"t-1")])
    assert event_of(body, named).trace_id == "t-1"
    assert event_of(body).trace_id == event_of(body).correlation_id == "c-1"
    assert event_of(text_message()).trace_id == RAW.trace_id


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"garbage", "not_json"),
        (b'{"event":"message","text":"\xff"}', "not_utf8"),
        (b'{"event":"message","n":NaN}', "not_json"),
        (b"[]", "not_object"),
        (b'"\\ud800"', "not_object"),
        (b'{"event":' * 100_000, "too_deep"),
        (b"{}", "invalid_field"),
        (b'{"event":""}', "invalid_field"),
        (b'{"event":7}', "invalid_field"),
    ],
)
def test_what_cannot_be_understood_says_why(value: bytes | None, reason: str) -> None:
    with pytest.raises(NormalizationError) as caught:
        webhooks.normalize(value, RAW)
    assert caught.value.reason == reason


def test_a_key_that_no_index_takes_is_refused() -> None:
    with pytest.raises(NormalizationError, match=r"message\.id: .* at most 700"):
        event_of(text_message(id="|" * 250))


def test_what_cannot_name_a_channel_is_passed_over() -> None:
    for spelled in ("x" * 101, "ß" * 60, "a\x00b", "  ", True, {"id": 7}):
        assert event_of({**text_message(), "sessionId": spelled}).channel == "canalum"


@pytest.mark.parametrize("levels", [300, 500, 900])
def test_an_unknown_event_that_is_nested_too_deeply_says_so(levels: int) -> None:
    body = b'{"event":"x","a":' + b'{"b":[1.0,' * levels + b"1" + b"]}" * levels + b"}"
    with pytest.raises(NormalizationError) as caught:
        webhooks.normalize(body, RAW)
    assert caught.value.reason == "too_deep"


@given(st.binary())
def test_arbitrary_bytes_are_events_noise_or_an_error(value: bytes) -> None:
    with suppress(NormalizationError):
        webhooks.normalize(value, RAW)


_NAMES = sorted(
    {name for row in vars(fields).values() if isinstance(row, tuple) for _, name in row}
    | {"event", "message", "data", "raw", "payload", "key", "ack", "connection", "metadata", "session", "quotedMsg"}
    | {"imageMessage", "reactionMessage", "protocolMessage", "contextInfo", "refId", "msgId", "lat", "lng", "loc"}
)
_EVENTS = [
    "message", "message.sent", "message.ack", "connection.update", "onmessage", "onselfmessage", "onack", "status-find",
    "onreactionmessage", "onrevokedmessage", "qrcode", "messages.upsert", "onpresencechanged", "other",
]  # fmt: skip
_values = small_json_values | st.sampled_from(
    [PHONE, LID, "status@broadcast", "3EB0AA01", f"true_{PHONE}_3EB0AA17", 2, "read"]
)
_bodies = st.recursive(
    st.dictionaries(st.sampled_from(_NAMES), _values, max_size=6),
    lambda inner: st.dictionaries(st.sampled_from(_NAMES), _values | inner, max_size=6),
    max_leaves=6,
)


@examples(5_000)
@given(st.sampled_from(_EVENTS), _bodies)
def test_any_value_in_any_field_is_events_or_noise(name: str, body: dict[str, Any]) -> None:
    _assert_understood({**body, "event": name})


_ITEM_NAMES = [
    "id", "from", "to", "from_me", "chat_id", "from_name", "timestamp", "type", "text", "image", "audio", "body",
    "caption", "preview", "mime_type", "location", "latitude", "longitude", "contacts", "name", "phones", "action",
    "target", "emoji", "context", "quoted_id", "quoted_content", "reaction", "message_id", "revoke", "interactive",
    "button_reply", "title", "status", "recipient_id", "voice", "profile", "wa_id",
]  # fmt: skip
_words = st.sampled_from(["text", "image", "audio", "location", "contacts", "reaction", "action", "delete", "revoke"])
_items = st.recursive(
    st.dictionaries(st.sampled_from(_ITEM_NAMES), _values | _words, max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(_ITEM_NAMES), _values | _words | inner | st.lists(inner), max_size=8),
    max_leaves=8,
)
_arrays = st.dictionaries(
    st.sampled_from(["messages", "statuses", "message_echoes", "contacts", "metadata", "presences"]),
    st.lists(_items | _values, max_size=3) | _values,
)


@given(_arrays, _values)
def test_any_value_in_any_array_is_events_or_noise(arrays: dict[str, Any], other: Any) -> None:
    _assert_understood({**arrays, "event": {"type": "messages", "event": "post"}, "channel_id": other})
    change = {"field": "messages", "value": arrays}
    for entry in ([{"changes": [change, other]}], [{"changes": other}, other], [{"changes": [{"value": other}]}]):
        _assert_understood({"object": "whatsapp_business_account", "entry": entry})


def _assert_understood(body: dict[str, Any]) -> None:
    value = json.dumps(body).encode()
    found = webhooks.normalize(value, RAW)
    assert webhooks.normalize(value, RAW) == found
    if isinstance(found, Noise):
        return
    assert found
    for event, blobs in found:
        encoded = msgspec.json.encode(event)
        assert msgspec.json.decode(encoded, type=Event) == event
        assert event.conversation_id is None or event.conversation_id == f"{event.channel}:{event.contact}"
        assert all(event.event_type.split("."))
        assert all(blob.ref.encode() in encoded for blob in blobs)
        assert (event.revision == revisions.SHELL) == ("shell" in event.payload)


@given(json_objects)
def test_presence_is_noise_whatever_it_holds(body: dict[str, Any]) -> None:
    presence = wrapped(None, {**body, "event": "onpresencechanged"}, event="connection.update")
    assert normalized(presence) == Noise("presence", "canalum")


@pytest.mark.parametrize(
    "body",
    [
        {"event": {"type": "messages", "event": "post"}, "messages": [{}] * 1_001},
        {"event": {"type": "statuses", "event": "post"}, "statuses": [{}] * 1_001},
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {"messages": [{}] * 1_001}}]}]},
        {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {}}] * 600}] * 2},
    ],
    ids=["whapi", "whapi statuses", "meta", "meta changes"],
)
def test_a_small_body_of_more_things_than_a_worker_has_room_for_is_no_event(body: dict[str, Any]) -> None:
    with pytest.raises(NormalizationError, match="more than 1000 things"):
        webhooks.normalize(msgspec.json.encode(body), RAW)
