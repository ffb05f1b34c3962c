"""What the gateway may tell of a conversation: webhooks with all the ways in which each can be said again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid4

from hypothesis import strategies as st

CHANNEL: Final = "Canal Um"
PHONE, OLD_PHONE, LID, GROUP = (
    "5547999990001@c.us",
    "554799990001@c.us",
    "100000000000001@lid",
    "120363000000000001@g.us",
)
HUB: Final = "554733330000@c.us"
START: Final = 1_768_512_935
JPEG: Final = "/9j/4AAQSkZJRgABAQ" + "AbCd1234" * 40


@dataclass(frozen=True)
class Fetched:
    """A file came, or did not: the message of `body` again, with what is known of its file now."""

    body: dict[str, Any]
    state: str


Told = dict[str, Any] | Fetched
Emit = Callable[[], Told]
"""Says a thing once more, in other words where there are any."""

_seconds = st.integers(START, START + 6)  # few, so that much happens at the same time
_names = st.sampled_from(["Contato A", "Contato B"])
_chats = st.sampled_from([PHONE, OLD_PHONE, LID, GROUP])


def wrapper(event: str, payload: dict[str, Any], at: float | None, **parts: Any) -> dict[str, Any]:
    """The usual envelope; its ids are new at every emission."""
    return {
        "spec_version": "1.0",
        "event": event,
        "session": {"id": CHANNEL, "name": CHANNEL},
        "message": None,
        "ack": None,
        "connection": None,
        "raw": {"provider": "wppconnect", "payload": payload},
        "event_id": str(uuid4()),
        "correlation_id": str(uuid4()),
        **({} if at is None else {"timestamp": at}),
        **parts,
    }


def message(
    hexa: str, chat: str, at: int, content: dict[str, Any], *, spelled: str = "", own: bool = False, name: str = ""
) -> dict[str, Any]:
    """A message in the wrapper's envelope; `spelled` is the chat as its id has it this time."""
    full = f"{'true' if own else 'false'}_{spelled or chat}_{hexa}"
    author = {"author": "100000000000002@lid"} if chat == GROUP and not own else {}
    sender, to = (HUB, chat) if own else (chat, HUB)
    payload = {
        "event": "onselfmessage" if own else "onmessage",
        "session": CHANNEL,
        "id": full,
        "type": "chat",
        "t": at,
        "from": sender,
        "to": to,
        "chatId": chat,
        "fromMe": own,
        **author,
        **({"sender": {"id": author.get("author", sender), "pushname": name}} if name else {}),
        **content,
    }
    shown = {"id": full, "from": sender, "to": to, "text": content.get("body", ""), "timestamp": at}
    return wrapper("message", payload, at, message=shown)


@st.composite
def texts(draw: st.DrawFn, hexa: str) -> list[Emit]:
    """A text three times, its id by phone or by lid, and a shell where there was one."""
    chat, at, name = draw(_chats), draw(_seconds), draw(_names)
    body = draw(st.sampled_from(["oi", "bom dia", "segue o comprovante"]))

    def whole(spelled: str) -> Emit:
        return lambda: message(hexa, chat, at, {"body": body}, spelled=spelled, name=name)

    def shell() -> Told:
        return message(hexa, chat, at, {"type": "ciphertext", "subtype": "fanout", "body": ""}, name=name)

    return [whole(chat), whole(LID), whole(chat), *([shell] if draw(st.booleans()) else [])]


@st.composite
def files(draw: st.DrawFn, hexa: str) -> list[Emit]:
    """A voice note whose bytes come later, or never; an image, shown by its thumbnail."""
    chat, at, name = draw(_chats), draw(_seconds), draw(_names)
    content = draw(
        st.sampled_from(
            [
                {"type": "ptt", "mimetype": "audio/ogg; codecs=opus", "mediaId": "MEDIA_1", "body": ""},
                {"type": "image", "mimetype": "image/jpeg", "caption": "comprovante", "body": JPEG},
                {"type": "document", "mimetype": "application/pdf", "filename": "contrato.pdf", "body": ""},
            ]
        )
    )

    def pending() -> dict[str, Any]:
        return message(hexa, chat, at, content, name=name)

    def fetched(state: str) -> Told:
        return Fetched(pending(), state)

    states = draw(st.lists(st.sampled_from(["failed", "ready"]), max_size=2, unique=True))
    return [pending, pending, *(partial(fetched, state) for state in states)]


@st.composite
def own_messages(draw: st.DrawFn, hexa: str) -> list[Emit]:
    """Typed on the phone: the echo, the half without content, and acks in words and numbers."""
    chat, at = draw(st.sampled_from([PHONE, LID])), draw(_seconds)
    content = draw(
        st.sampled_from([{"body": "respondi pelo celular"}, {"type": "vcard", "body": "BEGIN:VCARD\nEND:VCARD"}])
    )
    sent_at = at + draw(st.integers(-4, 90))
    full = f"true_{chat}_{hexa}"

    def echo() -> Told:
        return message(hexa, chat, at, content, own=True)

    def half() -> Told:
        key = {"id": hexa, "remoteJid": chat, "fromMe": True}
        payload = {"key": key, "type": content.get("type", "chat"), "t": sent_at * 1000}
        return {
            "event": "message.sent",
            "session": {"id": "canalum"},
            "message": {"to": chat, "timestamp": sent_at},
            "raw": {"payload": payload},
        }

    def ack(word: str, number: int) -> list[Emit]:
        named = {"fromMe": True, "remote": chat, "id": hexa, "_serialized": full}
        payload = {"event": "onack", "session": CHANNEL, "id": named, "to": chat, "ack": number, "t": at + number}
        return [
            lambda: {"event": "message.ack", "channel": CHANNEL, "messageId": full, "status": word},
            lambda: wrapper("message.ack", payload, at + number, ack={"undocumented": True}),
        ]

    reached = draw(
        st.lists(
            st.sampled_from([("sent", 1), ("delivered", 2), ("read", 3), ("played", 4), ("failed", -1)]), max_size=4
        )
    )
    halves = [half] if draw(st.booleans()) else []
    return [echo, *halves, *(emit for word, number in reached for emit in ack(word, number))]


@st.composite
def channel_states(draw: st.DrawFn, _: str) -> list[Emit]:
    """The channel goes and comes, and contacts are on line meanwhile."""
    changes = draw(st.lists(st.tuples(_seconds, st.sampled_from(["close", "connected", "qrcode"])), min_size=2))

    def state(at: int, word: str) -> Told:
        payload = {"event": "status-find", "session": CHANNEL, "state": word}
        return wrapper("connection.update", payload, at, connection={"status": word})

    def presence() -> Told:
        payload = {"event": "onpresencechanged", "session": CHANNEL, "id": PHONE, "isOnline": False, "t": START * 1000}
        return wrapper("connection.update", payload, START, connection={"status": "unavailable"})

    return [*(partial(state, at, word) for at, word in changes), presence]


@st.composite
def remarks(draw: st.DrawFn, hexa: str) -> list[Emit]:
    """A reaction to a message, and the deletion of one."""
    at = draw(_seconds)
    target = {"fromMe": False, "remote": PHONE, "id": "3EB0AA00", "_serialized": f"false_{PHONE}_3EB0AA00"}

    def reaction() -> Told:
        own = {"fromMe": False, "remote": PHONE, "id": hexa, "_serialized": f"false_{PHONE}_{hexa}"}
        reacted = {"id": own, "msgId": target, "reactionText": "👍", "timestamp": at}
        return {"event": "onreactionmessage", "session": CHANNEL, **reacted}

    def revoked() -> Told:
        return {
            "event": "onrevokedmessage",
            "session": CHANNEL,
            "from": PHONE,
            "refId": f"false_{PHONE}_{hexa}",
            "t": at,
        }

    return [reaction, *([revoked] if draw(st.booleans()) else [])]


_STORIES: Final = (texts, files, own_messages, channel_states, remarks)


@st.composite
def conversations(draw: st.DrawFn) -> list[Emit]:
    """All that is told of some messages, each thing once, in the order in which it happened."""
    stories = draw(st.lists(st.sampled_from(_STORIES), min_size=4, max_size=10))
    return [emit for number, story in enumerate(stories) for emit in draw(story(f"3EB0AA{number:02X}"))]
