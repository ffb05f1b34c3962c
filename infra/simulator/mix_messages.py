"""The messages of the mix: what contacts write and what is typed on the phone, with all that is emitted of each."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from infra.simulator.envelopes import message_envelope
from infra.simulator.state import Message, SimulatedChannel

MIDNIGHT: Final = 1_768_446_000
"""2026-01-15 00:00 in Brazil, in seconds since 1970."""
SECONDS_OF_A_DAY: Final = 86_400
INBOUND: Final = 53
OWN: Final = 33

_GROUP: Final = "120363000000000001@g.us"
_VOICE_BYTES: Final = 66_000
"""88,000 characters of base64."""
_TEXTS: Final = (
    "oi",
    "Bom dia! A internet caiu de novo aqui na rua, conseguem ver?",
    "já paguei, segue o comprovante",
    "Qual o valor da fatura deste mês? 🙏",
    "respondi pelo celular",
    "Obrigado!\n\nAté mais.",
    "Segue o endereço completo para a visita. " * 60,
)
_CARD: Final = "BEGIN:VCARD\nVERSION:3.0\nFN:Fulano de Tal\nEND:VCARD"

Emission = tuple[float, dict[str, Any]]
"""Seconds after the message, and the body."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message and its webhooks."""

    message: Message
    emissions: Sequence[Emission]


def phone(random: Random) -> str:
    """A synthetic contact."""
    return f"55479999{random.randrange(100_000):05d}@c.us"


def hex_id(random: Random) -> str:
    """The stable part of a message id."""
    return f"3EB0{random.getrandbits(64):016X}"


def inbound(random: Random, sessions: Sequence[SimulatedChannel]) -> Iterator[Said]:
    """Texts mostly; voice notes with their bytes in the text or with none at all, thumbnails, files, a group."""
    for number in range(INBOUND):
        session = random.choice(sessions)
        chat, author = phone(random), ""
        if number % 10 == 3:
            chat, author = _GROUP, f"1000000000{random.randrange(100_000):05d}@lid"
        elif number % 10 == 6:
            chat = f"1000000000{random.randrange(100_000):05d}@lid"
        hexa = hex_id(random)
        name, extra = _content(random, number)
        message = Message(
            id=f"false_{chat}_{hexa}" + (f"_{author}" if author else ""),
            channel=session.id,
            chat=chat,
            to=session.number,
            from_me=False,
            type=name,
            text=extra.pop("text"),
            at=_office_hours(random),
            name="Contato A",
        )
        if author:
            extra |= {"author": author}
        yield Said(message, list(_emissions(random, message, session, extra, may_be_shelled=name == "chat")))


def own(random: Random, sessions: Sequence[SimulatedChannel]) -> Iterator[Said]:
    """Typed on the phone; `message.sent` says so without the text, up to four seconds before or ninety after."""
    for number in range(OWN):
        session, chat = random.choice(sessions), phone(random)
        is_card = number % 11 == 5
        message = Message(
            id=f"true_{chat}_{hex_id(random)}",
            channel=session.id,
            chat=chat,
            to=chat,
            from_me=True,
            type="vcard" if is_card else "chat",
            text=_CARD if is_card else random.choice(_TEXTS),
            at=_office_hours(random),
        )
        emissions = list(_emissions(random, message, session, {}, may_be_shelled=False))
        if number % 3:
            after = random.choice((random.uniform(-4, -0.1), random.uniform(0.1, 90)))
            emissions.append((after, _sent(message, after)))
        yield Said(message, emissions)


def _emissions(
    random: Random, message: Message, session: SimulatedChannel, extra: dict[str, Any], *, may_be_shelled: bool
) -> Iterator[Emission]:
    """One to three within a second; a shell comes before the text, at times after it; a phone may turn into a lid."""
    if may_be_shelled and random.random() < 0.4:
        after = random.uniform(0.1, 0.5) if random.random() < 0.25 else random.uniform(-0.5, -0.1)
        yield after, message_envelope(message, session, is_shell=True)
    for again in range(random.randint(1, 3)):
        shown = message
        if again == 1 and not message.from_me and message.chat.endswith("@c.us") and random.random() < 0.5:
            lid = f"10000{message.chat[:10]}@lid"
            shown = replace(message, chat=lid, id=f"false_{lid}_{message.hex_id}")
        body = message_envelope(shown, session)
        body["raw"]["payload"] |= extra
        yield again * random.uniform(0.05, 0.45), body


def _content(random: Random, number: int) -> tuple[str, dict[str, Any]]:
    """The engine's type of a message, with its text and further fields."""
    match number % 13:
        case 2:
            voice = base64.b64encode(b"OggS" + random.randbytes(_VOICE_BYTES - 4)).decode()
            return "ptt", {"text": voice, "mimetype": "audio/ogg; codecs=opus"}
        case 4:
            media = {"mediaId": f"MEDIA_{random.getrandbits(32)}", "mediaKey": "c2ludGV0aWNv"}
            return "ptt", {"text": "", "mimetype": "audio/ogg; codecs=opus", "seconds": 7} | media
        case 6:
            thumbnail = base64.b64encode(b"\xff\xd8\xff\xe0" + random.randbytes(1_500)).decode()
            return "image", {"text": thumbnail, "mimetype": "image/jpeg", "caption": "comprovante"}
        case 8:
            size = random.randrange(10_000, 900_000)
            file = {"mimetype": "application/pdf", "filename": "contrato.pdf", "size": size}
            return "document", {"text": "", "caption": "segue contrato"} | file
        case 10:
            return "location", {"text": "", "lat": -26.91, "lng": -48.66, "loc": "Rua Exemplo, 100"}
        case _:
            return "chat", {"text": random.choice(_TEXTS)}


def _sent(message: Message, after: float) -> dict[str, Any]:
    key = {"id": message.hex_id, "remoteJid": message.chat, "fromMe": True}
    at = message.at + after
    return {
        "event": "message.sent",
        "session": {"id": message.channel},
        "message": {"to": message.chat, "timestamp": int(at)},
        "raw": {"payload": {"key": key, "type": message.type, "t": int(at * 1000)}},
    }


def _office_hours(random: Random) -> float:
    """Some moment between eight and seven: the rest of the time there are presences alone."""
    return MIDNIGHT + random.randrange(2) * SECONDS_OF_A_DAY + random.uniform(8, 19) * 3600


__all__ = ["INBOUND", "MIDNIGHT", "OWN", "SECONDS_OF_A_DAY", "Said", "hex_id", "inbound", "own", "phone"]
