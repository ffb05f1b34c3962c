"""What the simulated gateway knows, and that it forgets in time."""

import pytest

from infra.simulator import state as module
from infra.simulator.state import Message, SeenRequests, State, Webhook, chat_id, new_message_id


def message(number: int, channel: str = "Canal Um") -> Message:
    chat = f"554799999{number:04d}@c.us"
    return Message(
        id=new_message_id(chat, from_me=True),
        channel=channel,
        chat=chat,
        to=chat.removesuffix("@c.us"),
        from_me=True,
        type="chat",
        text=str(number),
        at=0.0,
    )


def test_three_channels_are_in_three_states() -> None:
    states = {channel.id: channel.status for channel in State().channels.values()}
    assert states == {"Canal Um": "connected", "Canal Dois": "qr_required", "Canal Três": "disconnected"}


def test_messages_are_found_by_channel_and_by_recipient() -> None:
    state = State()
    for number in range(4):
        state.deliver(message(number, "Canal Um" if number % 2 else "Canal Dois"))
    assert state.found("Canal Um", None, 10)["total"] == 2
    for to in ("5547999990002", "+5547999990002", "5547999990002@c.us"):
        assert [each["text"] for each in state.found(None, to, 10)["messages"]] == ["2"]
    assert state.found("canal um", None, 10)["total"] == 0


def test_a_limit_keeps_the_newest() -> None:
    state = State()
    for number in range(4):
        state.deliver(message(number))
    found = state.found(None, None, 2)
    assert (found["total"], [each["text"] for each in found["messages"]]) == (4, ["2", "3"])
    assert state.found(None, None, 0)["messages"] == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGES", 3)
    monkeypatch.setattr(module, "MAX_MEDIA_CHARACTERS", 10)
    state = State()
    for number in range(5):
        state.deliver(message(number))
        state.keep_media("Canal Um", str(number), "image/jpeg", "x" * 4)
    found = state.found(None, None, 10)
    assert (found["total"], found["delivered_total"]) == (3, 5)
    assert [message_id for _, message_id in state.media] == ["3", "4"]


def test_the_last_requests_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REQUESTS", 2)
    requests = SeenRequests()
    for outcome in ("200", "200", "dropped"):
        requests.add("messages", outcome, "Canal Um", "r")
    shown = requests.shown()
    assert (shown["total"], shown["by_route"]) == (3, {"messages": {"200": 2, "dropped": 1}})
    assert [request["outcome"] for request in shown["last"]] == ["200", "dropped"]


def test_a_channels_own_webhook_goes_before_that_for_all() -> None:
    state = State()
    assert state.webhook_of("Canal Um") is None
    state.webhook = Webhook("http://127.0.0.1/all")
    state.channels["Canal Um"].webhook = Webhook("http://127.0.0.1/one")
    urls = [webhook.url for channel in ("Canal Um", "Canal Dois", "x", None) if (webhook := state.webhook_of(channel))]
    assert urls == ["http://127.0.0.1/one"] + ["http://127.0.0.1/all"] * 3


@pytest.mark.parametrize("recipient", ["", "nobody", "123", "@c.us", "5547999990001@", "5547999990001@c.us\n"])
def test_what_is_neither_phone_nor_chat_is_refused(recipient: str) -> None:
    with pytest.raises(ValueError, match="no phone"):
        chat_id(recipient)


def test_message_ids_are_new_and_have_the_networks_form() -> None:
    ids = {new_message_id("5547999990001@c.us", from_me=False) for _ in range(100)}
    assert len(ids) == 100
    assert all(each.startswith("false_5547999990001@c.us_3EB0") for each in ids)
