"""All bytes of a dead letter, also of one that MySQL keeps in part."""

from contextlib import aclosing

from infra.dead_letters.filters import LetterError
from infra.dead_letters.found import FoundLetter
from infra.kafka import connection
from infra.patience import kafka_of, patiently
from infra.settings import Settings
from streams.raw_log import KafkaRawLog


async def whole(settings: Settings, letter: FoundLetter, kept: bytes | None, wait: float) -> bytes:
    """The bytes: those that MySQL kept where it kept all, else from Kafka; LetterError where they are gone."""
    if kept is None:
        raise LetterError(f"The dead letter {letter.id} has no bytes.")
    if len(kept) == letter.original_bytes:
        return kept
    async with aclosing(KafkaRawLog(connection(settings)).read([letter.place])) as records:
        _, record = await patiently(anext(records), wait, kafka_of(settings))
    if record is None or record.value is None:
        raise LetterError(f"{letter.id} is not in Kafka any more; MySQL has its first {len(kept)} bytes.")
    value: bytes = record.value
    return value
