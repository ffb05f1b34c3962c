"""The gateway's answers are read in every shape that was seen."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.gateway import (
    Channel,
    ChannelAnswer,
    ChannelCreated,
    ChannelList,
    LidEntry,
    SendReceipt,
    SendText,
    SetWebhook,
    WebhookSet,
    message_id,
)
from schemas.gateway_qr import QrCode

MESSAGE_ID = "true_5547999990001@c.us_3EB0AA17"


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "channel": {"id": "canalum", "name": "Canal Um", "status": "connected"}},
        {"success": True, "id": "canalum", "name": "Canal Um", "status": "connected"},
        {"success": True, "channel": "canalum", "name": "Canal Um", "status": "CONNECTED"},
        {"success": True, "data": {"channel": {"id": "canalum", "name": "Canal Um", "connected": True}}},
        {"channel": {"channel": "canalum", "name": "Canal Um", "connection": "open", "new_field": [1]}},
    ],
    ids=["nested", "flat", "flat-channel", "under-data", "other-names"],
)
def test_a_channel_is_read_nested_or_flat(answer: dict[str, Any]) -> None:
    channel = ChannelAnswer.model_validate(answer).channel
    assert (channel.id, channel.name, channel.is_connected) == ("canalum", "Canal Um", True)


@pytest.mark.parametrize("status", ["disconnected", "qr_required", "initializing", "unavailable", "x-connected", None])
def test_a_state_that_only_contains_connected_is_not_connected(status: str | None) -> None:
    assert not Channel.model_validate({"id": "canalum", "status": status}).is_connected


def test_a_list_of_channels_keeps_extra_fields_and_leaves_out_what_has_no_id() -> None:
    answer = {"success": True, "channels": [{"id": "Canal Um", "status": "connected"}, None, {}, "dois"], "extra": 1}
    listed = ChannelList.model_validate(answer)
    assert [channel.id for channel in listed.channels] == ["Canal Um", "dois"]
    assert listed.total == 2
    assert listed.model_extra == {"success": True, "extra": 1}


def test_the_total_of_the_gateway_is_kept() -> None:
    assert ChannelList.model_validate({"channels": [], "total": 7}).total == 7


@pytest.mark.parametrize("answer", [{"success": True}, {"channels": None}, {"channels": {}}])
def test_an_answer_without_channels_is_no_list(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChannelList.model_validate(answer)


@pytest.mark.parametrize(
    ("answer", "is_required"),
    [
        ({"success": True, "qr_required": True}, True),
        ({"success": True, "qrRequired": "true"}, True),
        ({"success": True, "status": "QR_REQUIRED"}, True),
        ({"success": True, "qr_required": None}, False),
        ({"success": True, "channel": {"id": "canalum"}}, False),
    ],
)
def test_a_created_channel_says_whether_it_needs_its_code(answer: dict[str, Any], is_required: bool) -> None:
    assert ChannelCreated.model_validate(answer).qr_required is is_required


@pytest.mark.parametrize(
    "answer",
    [
        {"messageId": MESSAGE_ID},
        {"message_id": MESSAGE_ID},
        {"id": MESSAGE_ID},
        {"messageId": None, "id": MESSAGE_ID},
        {"messageId": {"_serialized": MESSAGE_ID, "id": "3EB0AA17"}},
        {"id": {"fromMe": True, "remote": "5547999990001@c.us", "id": "3EB0AA17"}},
        {"message": {"id": MESSAGE_ID}},
        {"data": {"messageId": MESSAGE_ID}},
    ],
)
def test_the_id_of_a_sent_message_is_found_under_every_name(answer: dict[str, Any]) -> None:
    receipt = SendReceipt.model_validate({"success": True, "correlationId": "c-1", **answer})
    assert (receipt.provider_message_id, receipt.correlation_id) == (MESSAGE_ID, "c-1")


@pytest.mark.parametrize("answer", [{}, {"messageId": None}, {"id": ""}, {"id": True}, {"message": "ok"}, {"id": {}}])
def test_a_send_usually_has_no_message_id(answer: dict[str, Any]) -> None:
    assert SendReceipt.model_validate({"success": True, **answer}).provider_message_id is None


def test_a_numeric_id_becomes_text() -> None:
    assert message_id(17) == "17"


def test_a_body_leaves_out_what_is_not_given() -> None:
    assert json.loads(SetWebhook(url="http://127.0.0.1/hook").encoded()) == {"url": "http://127.0.0.1/hook"}
    sent = SendText(channel="Canal Um", to="5547999990001", text="Olá, às 10h", metadata={"trace_id": "t"})
    assert json.loads(sent.encoded()) == sent.model_dump()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "channel", "data", "status", "qr", "messageId", "correlationId", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(
    answer=st.dictionaries(st.sampled_from(["success", "id", "channel", "channels", "qr", "data", "message"]), _json)
)
def test_any_json_object_is_read_or_refused(answer: dict[str, Any]) -> None:
    for tolerant in (QrCode, SendReceipt, WebhookSet, ChannelCreated, LidEntry):
        tolerant.model_validate(answer)
    for strict in (ChannelList, ChannelAnswer):
        with suppress(ValidationError):
            strict.model_validate(answer)


LID = {"id": "100000000000001", "server": "lid", "_serialized": "100000000000001@lid"}
PN = {"id": "5547999990001", "server": "c.us", "_serialized": "5547999990001@c.us"}


@pytest.mark.parametrize(
    ("answer", "phone"),
    [
        ({"lid": LID, "phoneNumber": PN, "contact": {"pushname": "Contato A"}}, "5547999990001@c.us"),
        ({"success": True, "data": {"lid": LID, "phoneNumber": PN}}, "5547999990001@c.us"),
        (
            {"lid": LID, "phoneNumber": {"id": "5547999990001", "server": "s.whatsapp.net"}},
            "5547999990001@s.whatsapp.net",
        ),
        ({"lid": "100000000000001@lid", "phone": "5547999990001"}, "5547999990001@c.us"),
        ({"lid": "100000000000001@lid", "pn": 5547999990001}, "5547999990001@c.us"),
        ({"lid": LID}, None),
        ({"lid": LID, "phoneNumber": None, "contact": {"name": "5547999990001"}}, None),
        ({"lid": LID, "phoneNumber": {}}, None),
        ({"lid": LID, "phoneNumber": []}, None),
    ],
)
def test_a_lids_phone_is_read_in_every_shape_and_never_from_the_contacts_name(answer: Any, phone: str | None) -> None:
    entry = LidEntry.model_validate(answer)
    assert (entry.lid, entry.phone) == ("100000000000001@lid", phone)
