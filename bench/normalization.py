"""What it costs to understand one webhook, beside what it costs to read its JSON at all."""

import base64
from functools import partial
from typing import Any, Final

import msgspec

from bench.result import Result
from bench.timing import microseconds
from infra.simulator import mix
from infra.simulator.envelopes import message_envelope
from infra.simulator.mix import What
from infra.simulator.state import Message, SimulatedChannel
from streams import topics
from streams.normalization import webhooks
from streams.normalization.raw import RawRecord

MESSAGE_US: Final = 25.0
NOISE_US: Final = 4.0

_CHANNEL: Final = SimulatedChannel("Canal Um", "connected")
_HEADERS: Final = [
    ("raw_id", b"0198c2f0-4c5e-7b3a-9a51-6a3e53b4f0aa"),
    ("received_at", b"2026-01-15T12:00:00.123456Z"),
    ("trace_id", b"0af7651916cd43dd8448eb211c80319c"),
]


async def measure(*, quick: bool) -> list[Result]:
    """The best of several runs, since whatever else this machine does only adds to it."""
    results = []
    for name, body, limit in _bodies():
        value = msgspec.json.encode(body)
        calls = max(20, 2_000_000 // len(value)) // (10 if quick else 1)
        understood = microseconds(partial(_normalize, value), calls)
        decoded = microseconds(partial(msgspec.json.decode, value), calls)
        figure = f"{name}, {len(value):,} bytes"
        results += [
            Result("normalization", f"{figure}, each", understood, "us", at_most=limit),
            Result("normalization", f"{figure}, beside msgspec.json.decode", understood / decoded, "times"),
        ]
    return results


def _bodies() -> list[tuple[str, dict[str, Any], float | None]]:
    chat, group, author = "5547999990001@c.us", "120363000000000001@g.us", "100000000000002@lid"
    in_group = _message(f"false_{group}_3EB0AA03_{author}", group, "bom dia")
    in_group["raw"]["payload"]["author"] = author
    voice = base64.b64encode(b"OggS" + bytes(range(250)) * 264)[:88_000].decode()
    note = _message(f"false_{chat}_3EB0AA09", chat, voice, "ptt")
    del note["raw"]["payload"]["body"]
    first = {each.what: each.body for each in reversed(mix.make(1))}
    return [
        ("a text", _message(f"false_{chat}_3EB0AA01", chat, "Bom dia! Qual o valor da fatura deste mês?"), MESSAGE_US),
        ("a text in a group", in_group, None),
        ("a presence", first[What.PRESENCE], NOISE_US),
        ("a label", first[What.LABEL], NOISE_US),
        ("a status-find", first[What.STATUS], NOISE_US),
        ("a voice note with its bytes", note, None),
    ]


def _message(full: str, chat: str, text: str, kind: str = "chat") -> dict[str, Any]:
    message = Message(full, _CHANNEL.id, chat, _CHANNEL.number, False, kind, text, 1_768_512_935, name="Contato A")
    return message_envelope(message, _CHANNEL)


def _normalize(value: bytes) -> Any:
    return webhooks.normalize(value, RawRecord.of(topics.RAW_WEBHOOK, 3, 42, 1_768_512_936_000, _HEADERS))
