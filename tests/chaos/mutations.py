"""`make mutations`: classic mistakes, put back one at a time into a copy of the code; each must be caught.

A mistake is a small textual change. One that no longer applies fails loudly: the code moved on, and so must it. What
catches it is the cheapest thing that can: a test by its name, or the harness with a seed, its faults and a failpoint.
Everything that is to catch something must pass on the unchanged copy first.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.stack.layout import CHECKOUT
from tests.chaos.ledger import Ledger
from tests.support.servers import JARS

_CHECK_SECONDS: Final = 600


@dataclass(frozen=True)
class Mistake:
    """One mistake: in `file`, `right` becomes `wrong`; `caught_by` is a test, or options of the harness."""

    name: str
    file: str
    right: str
    wrong: str
    caught_by: str

    def make(self, copy: Path) -> None:
        """Put it into a copy of the code; SystemExit where it does not apply exactly once."""
        path = copy / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise SystemExit(f"{self.name}: {self.file} has its place {text.count(self.right)} times, not once")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")

    @property
    def is_for_harness(self) -> bool:
        return self.caught_by.startswith("--")


MISTAKES: Final[Sequence[Mistake]] = (
    Mistake(
        "mark before output",
        "streams/sightings.py",
        "        commands=seen.commands if is_routed else (),\n",
        "        commands=(),\n",
        "--seed 3 --only= --arm=worker-1:runtime.table_written[router]=kill",
    ),
    Mistake(
        "ack before output",
        "streams/runtime/stage.py",
        '            with self.activity.doing("publishing what follows from", batch.records):\n',
        "            self._settle(messages)\n            messages = ()\n"
        '            with self.activity.doing("publishing what follows from", batch.records):\n',
        "tests/streams/runtime/test_stage.py",
    ),
    Mistake(
        "blind resend after a crash",
        "streams/sending/rules.py",
        '    yield Said(FactKind.IN_DOUBT, {"attempt": delivery.open_attempt, "reason": "owner_lost"})\n',
        '    details = {"attempt": delivery.open_attempt, "reason": "owner_lost", "retry_at": moment.now}\n'
        "    yield Said(FactKind.NOT_SENT, details)\n",
        "--seed 5 --only= --arm=worker-1:sender.answered=kill",
    ),
    Mistake(
        "echo consumed twice",
        "streams/sending/matching.py",
        "        if message is None or evidence.channel is None or draft.bound(evidence.channel, message):\n",
        "        if message is None or evidence.channel is None:\n",
        "tests/streams/sending/test_echoes.py::test_an_echo_is_consumed_once_however_often_it_is_told",
    ),
    Mistake(
        "commit past a gap",
        "streams/runtime/consumer.py",
        "        while delivered and delivered[0].acked:\n",
        "        while delivered:\n",
        "tests/streams/runtime/test_chaos.py",
    ),
    Mistake(
        "spool without fsync",
        "adapters/edge/spool/file.py",
        '"PRAGMA synchronous = FULL"',
        '"PRAGMA synchronous = OFF"',
        "tests/adapters/edge/spool/test_file.py::test_what_is_written_waits_for_the_disk",
    ),
    Mistake(
        "projection without position",
        "adapters/mysql/projector.py",
        "fresh = [pair for pair in records if pair[0].offset >= positions[pair[0].topic, pair[0].partition]]",
        "fresh = list(records)",
        "tests/adapters/mysql/test_projector_order.py::test_records_below_the_position_are_skipped",
    ),
    Mistake(
        "retry without the attempt record",
        "streams/sending/outbox.py",
        "        since = self._around.lease.now()\n        try:\n            await self._append(draft)\n",
        "        since = self._around.lease.now()\n"
        "        early = {place: self._request(place, begun, since) for place, begun in sends.items()}\n"
        "        self._requests |= early\n        sends = {}\n        try:\n            await self._append(draft)\n",
        "tests/streams/sending/test_outbox.py::test_no_request_leaves_before_its_attempt_is_acknowledged",
    ),
    Mistake(
        "decide again on redelivery",
        "streams/sightings.py",
        "            return _repeated(seen, event)\n",
        "            decided = _decide(event, configuration, rows, is_released=is_released)\n"
        "            return _first(event, decided, None, redrive)\n",
        "tests/agents/test_router_crash.py",
    ),
    Mistake(
        "take over without reading the log",
        "streams/sending/outbox.py",
        "        async for offset, fact in self._around.log.read(self._partition, start):\n",
        "        async for offset, fact in self._around.log.read(self._partition, start):\n            break\n",
        "tests/streams/sending/test_takeover.py::test_the_log_tells_what_the_snapshot_does_not",
    ),
    Mistake(
        "202 before anything is kept",
        "adapters/edge/spooled.py",
        "            await self._kafka.wait(receipt)\n",
        "            pass\n",
        "--seed 7 --only=pause_kafka,kill_edge --arm=",
    ),
    Mistake(
        "a former owner goes on writing",
        "streams/sending/log.py",
        '        name = f"{topics.APP_ID}.sender.{self._topic}.{partition}"\n',
        '        name = f"{topics.APP_ID}.sender.{self._topic}.{partition}.{id(self)}"\n',
        "tests/streams/sending/test_log.py",
    ),
    Mistake(
        "webhook told before its probe",
        "infra/channels/setup.py",
        "        place = await probe(self._context.settings, webhook, row.channel_id)\n"
        '        await self._record_webhook(f"channel:{row.id}", webhook, place)\n'
        "        await self._note_webhook(row, None)\n",
        "        await self._note_webhook(row, datetime.now(UTC))\n"
        "        place = await probe(self._context.settings, webhook, row.channel_id)\n"
        '        await self._record_webhook(f"channel:{row.id}", webhook, place)\n',
        "tests/infra/channels/test_setup.py::test_the_webhook_counts_as_set_only_while_the_last_attempt_went_well",
    ),
    Mistake(
        "owner by exact spelling",
        "infra/channels/registry.py",
        "        if row.id == canonical and row.tenant_id != owner.id:\n",
        "        if row.channel_id == channel_id and row.tenant_id != owner.id:\n",
        "tests/infra/channels/test_registry.py::test_a_channel_of_another_tenant_cannot_be_had_in_any_spelling",
    ),
)


def main() -> int:
    """Try all mistakes, or those that are named; the exit code is 0 only where each was caught."""
    arguments = _arguments()
    wanted = [
        mistake for mistake in MISTAKES if not arguments.words or any(word in mistake.name for word in arguments.words)
    ]
    escaped = []
    with tempfile.TemporaryDirectory(prefix="posto-mutations-") as scratch:
        if not arguments.no_baseline:
            clean = _copy(Path(scratch) / "clean")
            for check in dict.fromkeys(mistake.caught_by for mistake in wanted):
                if found := _found_by(check, clean):
                    raise SystemExit(f"{check} finds fault with the unchanged code ({found}): nothing can be said")
        _say(f"{'mistake':<34} {'seconds':>8}  caught by")
        for number, mistake in enumerate(wanted):
            copy = _copy(Path(scratch) / str(number))
            mistake.make(copy)
            began = time.monotonic()
            found = _found_by(mistake.caught_by, copy)
            how = f"{'harness ' if mistake.is_for_harness else ''}{mistake.caught_by}"
            said = f"{how}: {found}" if found else f"ESCAPED {how}"
            _say(f"{mistake.name:<34} {time.monotonic() - began:>8.1f}  {said}")
            escaped += [] if found else [mistake.name]
            shutil.rmtree(copy)
    _say(f"{len(wanted) - len(escaped)} of {len(wanted)} mistakes were caught")
    return 1 if escaped else 0


def _copy(folder: Path) -> Path:
    """The files of this checkout as they are now, with Kafka's jars."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=CHECKOUT, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (CHECKOUT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target)
    if JARS.is_dir():
        (folder / ".local").mkdir()
        (folder / ".local" / "kafka").symlink_to(JARS)
    return folder


def _found_by(check: str, copy: Path) -> str:
    """What a check finds wrong with the code of a copy; empty where that is nothing, or no more than slowness."""
    if check.startswith("--"):
        options = [option.replace("_", " ") if option.startswith("--only") else option for option in check.split(" ")]
        command = ["-m", "tests.chaos", "--runs", "1", *options, "--folder", str(copy / ".local" / "chaos")]
    else:
        command = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", check]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with (copy / "check.log").open("w") as log:
        done = subprocess.run(
            [sys.executable, *command], cwd=copy, env=environment, stdout=log, stderr=log, timeout=_CHECK_SECONDS
        )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{check} ended with {done.returncode}:\n{(copy / 'check.log').read_text()[-3000:]}")
    if done.returncode == 0:
        return ""
    ledger = Ledger(copy / ".local" / "chaos" / "ledger.jsonl").lines()
    kinds = {kind for line in ledger for kind in line["violations"]} - {"no rest"} if ledger else {"it fails"}
    return ", ".join(sorted(kinds))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.mutations", description=__doc__)
    parser.add_argument("words", nargs="*", help="only the mistakes whose names have one of these words")
    parser.add_argument("--no-baseline", action="store_true", help="do not try the checks on the unchanged code first")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
