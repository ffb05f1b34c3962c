from pathlib import Path

from infra.simulator.record import Record
from infra.simulator.state import Message, State, Webhook


def _message(text: str) -> Message:
    chat = "5547999990001@c.us"
    return Message(f"true_{chat}_3EB0{text}", "Canal Um", chat, "5547999990001", True, "chat", text, 1.5, {"a": 1})


def test_messages_and_channels_outlive_the_process(tmp_path: Path) -> None:
    record = Record(tmp_path / "record")
    first = State()
    record.restore(first)
    first.deliver(_message("um"))
    first.set_channel("Canal Nove", "connected")
    first.set_channel("Canal Um", "disconnected")
    first.set_webhook(first.channels["Canal Nove"], Webhook("http://hub.example/hook", "of-the-channel"))

    second = State()
    record.restore(second)
    assert [message.text for message in second.messages] == ["um"]
    assert second.messages[0].metadata == {"a": 1}
    assert {name: channel.status for name, channel in second.channels.items()} == {
        "Canal Um": "disconnected",
        "Canal Dois": "qr_required",
        "Canal Três": "disconnected",
        "Canal Nove": "connected",
    }
    assert second.webhook_of("Canal Nove") == Webhook("http://hub.example/hook", "of-the-channel")
    assert second.webhook_of("Canal Um") is None
    second.deliver(_message("dois"))
    third = State()
    record.restore(third)
    assert [message.text for message in third.messages] == ["um", "dois"]


def test_a_last_line_that_was_torn_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "record"
    first = State()
    Record(path).restore(first)
    first.deliver(_message("um"))
    path.write_text(path.read_text() + '["message", {"id"')
    second = State()
    Record(path).restore(second)
    assert len(second.messages) == 1
    second.deliver(_message("dois"))
    third = State()
    Record(path).restore(third)
    assert [message.text for message in third.messages] == ["um", "dois"]
