"""`posto dead-letters`: found by filter, redriven and discarded on record, shown without what is personal."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from adapters.mysql.pool import Database
from adapters.mysql.projector import Projector
from infra.commands.dead_letters import app
from infra.dead_letters import acting, view
from infra.dead_letters.acting import Order, Outcome
from infra.dead_letters.caught_up import on_record, reached
from infra.dead_letters.filters import Filter, LetterError
from infra.dead_letters.found import FoundLetter, each, groups, listed, one, original
from infra.errors import OperatorError
from infra.patience import GaveUpError
from infra.settings import Settings
from schemas import headers as names
from streams import topics
from streams.runtime.dead_letters import dead_letter
from tests.adapters.mysql.log import Log, LogRecord, at
from tests.agents.consumed import Consumed
from tests.support.topics import read

ORDER = Order(by="Ana", reason="mended", wait=20)
SECRET = {
    "event_type": "billing.invoice.overdue",
    "payload": {"to": "5547999990001", "name": "Maria Souza", "valor": 9.5},
}


def dead(number: int, stage: str = "normalizer", topic: str = topics.RAW_EVENT, value: bytes | None = b"{") -> Any:
    """A letter of the record at an offset of a topic."""
    record = Consumed(value, topic, number, headers=[(names.TRACE_ID, f"trace-{number}".encode())])
    return dead_letter(stage, record, ValueError(f"reason {number} of 5547999990001"))


@pytest.fixture
async def letters(db: Database) -> Log:
    """Letters of several kinds, in MySQL alone."""
    log = Log()
    known = [
        dead(0),
        dead(1, value=json.dumps({"channel": "Canal Um", **SECRET}).encode()),
        dead(2, "router", topics.EVENT_NORMALIZED, b'{"tenant_id":7}'),
        dead(3, "projector", topics.EVENT_ACCEPTED),
        dead(4, "quarantine", topics.RAW_WEBHOOK, None),
    ]
    await Projector(db).project(
        [log.append(topics.DEAD_LETTER, out.value, 0, out.headers, seconds=10 * n) for n, out in enumerate(known)]
    )
    await db.execute("INSERT INTO tenants (id, name) VALUES (7, 'Padaria'), (8, 'Oficina')")
    await db.execute("INSERT INTO tenant_message_channels (tenant_id, channel_id) VALUES (8, 'Canal  um')")
    return log


@pytest.mark.integration
@pytest.mark.usefixtures("letters")
async def test_letters_are_found_by_all_that_is_known_of_them(db: Database) -> None:
    async def found(**wanted: Any) -> list[str]:
        some = await listed(db, Filter(**wanted), 50)
        assert sum(group.letters for group in await groups(db, Filter(**wanted))) == len(some)
        assert {letter.id async for page in each(db, Filter(**wanted)) for letter in page} == {one.id for one in some}
        return [letter.source.rpartition("@")[2] for letter in some]

    assert await found() == ["4", "3", "2", "1", "0"]
    assert await found(stage="normalizer") == ["1", "0"]
    assert await found(error="ValueError", topic=topics.RAW_EVENT) == ["1", "0"]
    assert await found(error="KeyError") == []
    assert await found(reason="REASON 3") == ["3"]
    assert await found(reason="%") == await found(reason="reason _") == []
    assert await found(tenant=7) == ["2"]
    assert await found(tenant=8) == await found(channel=" CANAL um") == ["1"]
    assert await found(trace="trace-2") == ["2"]
    assert await found(since=at(20), until=at(30)) == ["3", "2"]
    assert await found(names=("normalizer:raw.event/0@1", "dead.letter/0@2", "raw.webhook/0@4")) == ["4", "2", "1"]
    assert await found(state="redriven") == []
    assert await found(state="all", stage="router") == ["2"]


@pytest.mark.integration
@pytest.mark.usefixtures("letters")
async def test_a_name_that_names_nothing_is_said_and_nothing_is_done(db: Database) -> None:
    for name, problem in (("raw.event/0@99", "There is no"), ("' OR 1=1", "is no dead letter's name")):
        with pytest.raises(LetterError, match=problem):
            await groups(db, Filter(names=("raw.event/0@1", name)))
        with pytest.raises(LetterError):
            await one(db, name)


@pytest.mark.integration
@pytest.mark.usefixtures("letters")
async def test_the_bytes_of_a_letter_are_shown_without_what_is_personal(db: Database) -> None:
    letter = await one(db, "raw.event/0@1")
    bytes_ = await original(db, letter)

    def shown(letter: FoundLetter, *, show_personal: bool) -> str:
        console = Console(record=True, width=200, file=StringIO())
        view.print_letter(console, letter, view.body(bytes_, show_personal=show_personal, is_whole=True))
        return console.export_text()

    masked, whole = shown(view.discreet(letter), show_personal=False), shown(letter, show_personal=True)
    for text in ("5547999990001", "Maria"):
        assert text not in masked
        assert text in whole
    for text in (masked, whole):
        assert "billing.invoice.overdue" in text
        assert "reason 1 of" in text
        assert "2026-01-15 15:00:10  failed: ValueError" in text


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    shown = view.body(b'\x1b[2J\xff\r"', show_personal=True, is_whole=False)

    assert shown == ["\\x1b[2J\\xff", '"', "..."]
    assert view.body(b'{"a":"\xc2\x9bx"}', show_personal=True, is_whole=True)[1] == '  "a": "\\x9bx"'
    assert view.body(b"5547999990001 said", show_personal=False, is_whole=True) == [
        "no JSON; --show-personal shows it as it is"
    ]


@pytest.mark.parametrize(
    "body",
    [
        ["5547999990001"],
        {"5547999990001": [{"text": "segredo"}]},
        "segredo",
        5547999990001,
        None,
        {"n": 5547999990001.0},
    ],
)
def test_no_body_tells_a_phone_or_a_text(body: Any) -> None:
    told = "\n".join(view.body(msgspec.json.encode(body), show_personal=False, is_whole=True))

    assert "segredo" not in told
    assert "554799999" not in told


async def put(hub: Settings, outs: Iterable[Any]) -> None:
    """Let letters lie in Kafka."""
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(bootstrap_servers=hub.kafka_bootstrap_servers) as producer:
        for out in outs:
            await producer.send(topics.DEAD_LETTER, out.value, key=out.key, headers=out.headers)


async def projected(hub: Settings, db: Database) -> None:
    """Let the tables have all that is on record of letters."""
    records = [
        LogRecord(found.topic, found.partition, found.offset, found.timestamp, found.value, found.headers)
        for topic in (topics.DEAD_LETTER, topics.AUDIT_CHANGE)
        for found in await read(hub.kafka_bootstrap_servers, topic)
    ]
    for start in range(0, len(records), 1_000):
        await Projector(db).project(records[start : start + 1_000])


async def act(hub: Settings, wanted: Filter, order: Order = ORDER) -> tuple[Outcome, list[int]]:
    outcome, told = Outcome(), list[int]()
    await acting.redrive(hub, wanted, order, outcome, lambda now: told.append(now.done))
    return outcome, told


@pytest.mark.integration
async def test_letters_are_written_again_on_record_and_refused_with_their_reason(hub: Settings, db: Database) -> None:
    await put(hub, [dead(0), dead(1), dead(2, "projector", topics.EVENT_ACCEPTED), dead(3, value=b"\xff" * 1_000)])
    await projected(hub, db)

    outcome, _ = await act(hub, Filter())

    assert (outcome.total, outcome.done) == (4, 3)
    [why] = outcome.refused
    assert "rebuild" in why
    written = await read(hub.kafka_bootstrap_servers, topics.RAW_EVENT)
    assert [record.value for record in written] == [b"{", b"{", b"\xff" * 1_000]
    assert [dict(record.headers)["redrive"].decode() for record in written] == [
        f"normalizer:raw.event/0@{number}#1" for number in (0, 1, 3)
    ]
    await projected(hub, db)
    letter = await one(db, "raw.event/0@1")
    assert (letter.state, letter.round) == ("redriven", 1)
    assert [(said.what, said.actor, said.reason, said.record) for said in letter.history[1:]] == [
        ("redriven", "Ana", "mended", f"raw.event/0@{written[1].offset}")
    ]

    again, _ = await act(hub, Filter(stage="normalizer"))
    assert again.total == 0, "once"
    await act(hub, Filter(names=("raw.event/0@1",), state="redriven"))
    last = (await read(hub.kafka_bootstrap_servers, topics.RAW_EVENT))[-1]
    assert dict(last.headers)["redrive"] == b"normalizer:raw.event/0@1#2"


@pytest.mark.integration
async def test_a_redrive_that_was_broken_off_or_runs_twice_at_once_is_the_same_redrive(
    hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "AT_ONCE", 2)
    await put(hub, [dead(number) for number in range(5)])
    await projected(hub, db)

    async def dies(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(acting._Writer, "record", dies)
        with pytest.raises(ZeroDivisionError):
            await act(hub, Filter())
    first, _ = await act(hub, Filter())

    assert first.done == 5
    rounds = [dict(record.headers)["redrive"] for record in await read(hub.kafka_bootstrap_servers, topics.RAW_EVENT)]
    assert Counter(rounds) == {f"normalizer:raw.event/0@{n}#1".encode(): 2 if n < 2 else 1 for n in range(5)}


@pytest.mark.integration
async def test_a_rate_is_kept(hub: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[float] = []

    class Writer(acting._Writer):
        def __init__(self, *around: Any) -> None:
            began.append(time.time() * 1000)
            super().__init__(*around)

    monkeypatch.setattr(acting, "AT_ONCE", 1)
    monkeypatch.setattr(acting, "_Writer", Writer)
    await put(hub, [dead(number) for number in range(4)])
    await projected(hub, db)

    outcome, _ = await act(hub, Filter(), Order(by="Ana", rate=10))

    assert outcome.done == 4
    times = [record.timestamp for record in await read(hub.kafka_bootstrap_servers, topics.AUDIT_CHANGE)]
    # Whole milliseconds in Kafka: each letter but the first waits for its tenth of a second, however late that was.
    assert max(times) >= int(began[-1]) + 300


@pytest.mark.integration
async def test_discarding_is_on_record_and_deletes_nothing(hub: Settings, db: Database) -> None:
    await put(hub, [dead(0), dead(1)])
    await projected(hub, db)
    outcome = Outcome()

    await acting.discard(hub, Filter(names=("raw.event/0@0",)), ORDER, outcome, lambda _: None)

    await projected(hub, db)
    letter = await one(db, "raw.event/0@0")
    assert (outcome.done, letter.state) == (1, "discarded")
    assert [(said.what, said.actor, said.reason) for said in letter.history[1:]] == [("discarded", "Ana", "mended")]
    assert await original(db, letter) == b"{"
    assert [one.id for one in await listed(db, Filter(), 9)] == ["normalizer:raw.event/0@1"]


@pytest.mark.integration
async def test_nothing_is_done_on_old_news(hub: Settings, db: Database) -> None:
    await put(hub, [dead(0)])

    with pytest.raises(LetterError, match="behind the log of dead letters by 1"):
        await reached(db, await on_record(hub), 0)
    await projected(hub, db)
    await reached(db, await on_record(hub), 0)


@pytest.mark.integration
@pytest.mark.usefixtures("letters")
def test_the_commands_say_what_they_would_do_and_what_they_need(hub: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_DSN", hub.mysql_dsn.get_secret_value())
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", hub.kafka_bootstrap_servers)

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, arguments)
        return done.exit_code, done.stdout

    code, said = run("redrive", "--all")
    assert code == 0
    assert "5 open dead letters would be redriven" in said
    assert "to raw.event" in said
    assert "no: " in said
    _, said = run("list", "--json")
    assert [letter["stage"] for letter in json.loads(said)][:2] == ["quarantine", "projector"]
    assert "5547999990001" not in said
    assert run("redrive", "--stage", "nobody")[0] == 1
    for wrong in (
        ("redrive",),
        ("redrive", "--reason-text", "", "--yes", "--by", "Ana"),
        ("redrive", "--all", "--yes"),
        ("discard", "--all", "--yes", "--by", "Ana"),
        ("list", "--state", "x"),
        ("list", "--since", "then"),
    ):
        assert run(*wrong)[0] == 2, wrong
    assert run("show", "raw.event/0@1", "--raw")[1] == json.dumps({"channel": "Canal Um", **SECRET})


@pytest.mark.parametrize("by", ["Ana\udcff", "Ana\x1b[2J", "A" * 192])
def test_a_name_that_cannot_be_put_on_record_is_refused_before_anything_is_done(by: str) -> None:
    done = CliRunner().invoke(app, ("redrive", "--all", "--yes", "--by", by))

    assert isinstance(done.exception, OperatorError)
    assert "--by must say something" in str(done.exception)


@pytest.mark.parametrize("command", [("list",), ("show", "raw.event/0@1"), ("redrive", "--all")])
def test_a_database_that_is_away_is_said(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYSQL_DSN", "mysql://a:b@127.0.0.1:1/c")

    done = CliRunner().invoke(app, command)

    assert isinstance(done.exception, LetterError)
    assert "cannot be read from MySQL" in str(done.exception)


@pytest.mark.integration
async def test_a_kafka_that_is_away_is_said_and_nothing_is_done(hub: Settings, letters: Log) -> None:
    away = hub.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})

    with pytest.raises(GaveUpError, match="Kafka at"):
        await act(away, Filter(), Order(by="Ana", wait=0.2))
