"""Two days of two sessions as production sees them (field notes §1), made of a seed: 99 of 100 webhooks say nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final
from uuid import UUID

from infra.simulator import mix_messages
from infra.simulator.config import AckWord
from infra.simulator.envelopes import ack_envelope, flat_ack, wrapped
from infra.simulator.mix_messages import MIDNIGHT, SECONDS_OF_A_DAY, Said
from infra.simulator.state import SimulatedChannel

CHANNELS: Final = ("Canal Um", "Canal Dois")
DAYS: Final = 2
PRESENCES: Final = 16_956
LABELS: Final = 2_076
STATUSES: Final = 61
ACKS: Final = 95
REACTIONS: Final = 3

_STARTING_UP: Final = ("initBrowser", "openBrowser", "connectBrowserWs", "initWhatsapp", "waitChat", "chatsAvailable")
"""Words of `status-find` that tell of the browser, not of the channel."""
_ACK_WORDS: Final[tuple[AckWord, ...]] = ("sent", "delivered", "read")


class What(StrEnum):
    """What a webhook of the mix is about; of a message and an ack there may be several webhooks."""

    PRESENCE = "presence"
    LABEL = "label"
    STATUS = "status"
    CHANNEL_STATE = "channel_state"
    ACK = "ack"
    INBOUND = "inbound"
    OWN = "own"
    REACTION = "reaction"


NOISE: Final = frozenset({What.PRESENCE, What.LABEL, What.STATUS})


@dataclass(frozen=True, slots=True)
class Planned:
    """One webhook, `at` seconds since 1970; `message_key` names the message that it shows."""

    at: float
    channel: str
    what: What
    body: dict[str, Any]
    message_key: str | None = None


def make(seed: int, channels: Sequence[str] = CHANNELS) -> list[Planned]:
    """All webhooks in the order of their time: the same seed gives the same bodies, another one other ids."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    sessions = [SimulatedChannel(name, "connected") for name in channels]
    inbound = list(mix_messages.inbound(random, sessions))
    own = list(mix_messages.own(random, sessions))
    planned = [
        *_presences(random, sessions),
        *_labels(random, sessions),
        *_statuses(random, sessions),
        *_shown(What.INBOUND, inbound),
        *_shown(What.OWN, own),
        *_acks(random, own),
        *_reactions(random, own),
    ]
    return [_stamped(random, each) for each in sorted(planned, key=lambda each: each.at)]


def _presences(random: Random, sessions: Sequence[SimulatedChannel]) -> Iterator[Planned]:
    """In bursts, every two to five seconds within one."""
    left = PRESENCES
    while left:
        session, contact = random.choice(sessions), mix_messages.phone(random)
        at = _any_time(random)
        for _ in range(min(left, random.randint(20, 120))):
            at += random.uniform(2, 5)
            left -= 1
            yield Planned(at, session.id, What.PRESENCE, _presence(session.id, contact, at, random.random() < 0.5))


def _presence(session: str, contact: str, at: float, is_online: bool) -> dict[str, Any]:
    """A contact's presence in the disguise of a change of the connection (E4)."""
    word = "available" if is_online else "unavailable"
    payload = {
        "event": "onpresencechanged",
        "session": session,
        "id": contact,
        "isOnline": is_online,
        "isGroup": False,
        "isUser": True,
        "state": word,
        "t": int(at * 1000),
    }
    return wrapped("connection.update", session, int(at), payload, connection={"status": word})


def _labels(random: Random, sessions: Sequence[SimulatedChannel]) -> Iterator[Planned]:
    for _ in range(LABELS):
        session, at = random.choice(sessions), _any_time(random)
        labels = [{"id": str(random.randint(1, 20)), "name": "Cliente", "type": random.choice(("add", "remove"))}]
        payload = {"event": "onupdatelabel", "session": session.id, "chatId": mix_messages.phone(random)}
        body = wrapped("onupdatelabel", session.id, int(at), payload | {"labels": labels})
        yield Planned(at, session.id, What.LABEL, body)


def _statuses(random: Random, sessions: Sequence[SimulatedChannel]) -> Iterator[Planned]:
    """Words of the browser, and among them each session once lost and found again."""
    states = [(session, word) for session in sessions for word in ("desconnectedMobile", "inChat")]
    night = MIDNIGHT + SECONDS_OF_A_DAY
    for step, (session, word) in enumerate(states):
        at = night + step * 60.0
        connection = {"status": "connected" if word == "inChat" else "close"}
        body = wrapped("connection.update", session.id, int(at), _status(session.id, word), connection=connection)
        yield Planned(at, session.id, What.CHANNEL_STATE, body)
    for _ in range(STATUSES - len(states)):
        session = random.choice(sessions)
        yield Planned(_any_time(random), session.id, What.STATUS, _status(session.id, random.choice(_STARTING_UP)))


def _status(session: str, word: str) -> dict[str, Any]:
    return {"event": "status-find", "session": session, "status": word}


def _shown(what: What, said: Iterable[Said]) -> Iterator[Planned]:
    for each in said:
        for after, body in each.emissions:
            yield Planned(each.message.at + after, each.message.channel, what, body, each.message.hex_id)


def _acks(random: Random, own: Sequence[Said]) -> Iterator[Planned]:
    """As words and numbers, now and then twice, and the later state before the earlier one."""
    wanted = [(said, word) for word in _ACK_WORDS for said in own][:ACKS]
    for number, (said, word) in enumerate(wanted):
        message, session = said.message, SimulatedChannel(said.message.channel, "connected")
        told = "delivered" if number % 16 == 0 else word  # what it said already, or will say again
        at = message.at + random.uniform(0.1, 90)
        flat, numbered = (
            flat_ack(message, told) | {"channel": session.id},
            ack_envelope(message, session, told, int(at)),
        )
        body = numbered if number % 5 else flat
        yield Planned(at, session.id, What.ACK, body)


def _reactions(random: Random, own: Sequence[Said]) -> Iterator[Planned]:
    for said in random.sample(own, REACTIONS):
        message = said.message
        at = message.at + random.uniform(5, 600)
        hex_id = mix_messages.hex_id(random)
        payload = {
            "event": "onreactionmessage",
            "session": message.channel,
            "id": {"fromMe": False, "remote": message.chat, "id": hex_id},
            "msgId": {"fromMe": True, "remote": message.chat, "id": message.hex_id, "_serialized": message.id},
            "reactionText": random.choice("👍🙏😂"),
            "timestamp": int(at),
        }
        yield Planned(at, message.channel, What.REACTION, payload)


def _any_time(random: Random) -> float:
    return MIDNIGHT + random.uniform(0, DAYS * SECONDS_OF_A_DAY)


def _stamped(random: Random, planned: Planned) -> Planned:
    """New ids for every emission that has any, from the seed."""
    if "spec_version" not in planned.body:
        return planned
    ids = {name: str(UUID(int=random.getrandbits(128), version=4)) for name in ("event_id", "correlation_id")}
    return Planned(planned.at, planned.channel, planned.what, planned.body | ids, planned.message_key)


__all__ = ["CHANNELS", "NOISE", "Planned", "What", "make"]
