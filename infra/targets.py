"""Targets of `ai` and `http` actions: their addresses, their secrets, and a try of one."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from adapters.mysql.authoring import Written, find
from adapters.mysql.pool import Session
from adapters.targets import TargetError, Targets
from infra.authoring.edits import Edit, alteration, known
from infra.errors import ConflictError, InvalidError
from infra.settings import Settings
from schemas.configuration import Target
from schemas.events import Action
from schemas.http_actions import Post, Posted
from streams import topics
from streams.addresses import url_fault
from streams.configuration import Entry, Key
from streams.http_actions import AnswerError, answer_of
from streams.signatures import secret_of, signed_headers

LONGEST_KEEP_HOURS: Final = 720.0
_TEST: Final = "posto.test"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a try. `problem` says what is wrong, None where the target answered as it should."""

    url: str
    seconds: float
    status: int | None = None
    replies: tuple[str, ...] = ()
    handoff: bool = False
    reason: str | None = None
    problem: str | None = None


def key_of(name: str) -> Key:
    """Where a target is authored."""
    return Key(topics.CONFIG_TARGET, name)


def allowed(settings: Settings, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields themselves; InvalidError where their address is one to which nothing may be posted."""
    url = fields.get("url")
    if url is not None and (fault := url_fault(url, settings.posto_target_networks)) is not None:
        raise InvalidError(f"The address of a target cannot be so: it {fault}.", "body.url")
    return fields


async def found(session: Session, name: str) -> Target:
    """The target as it is written; UnknownError where there is none, InvalidError where it makes no sense."""
    return _target(key_of(name), await find(session, key_of(name)))


def secret(settings: Settings, target: Target) -> str:
    """The secret with which its requests are signed; ConflictError where the hub has no key."""
    return secret_of(_key(settings), target.id, target.secret_version)


def rotation(name: str, keep_hours: float) -> Edit:
    """Give a target the secret after that which it has then; the present one signs as well for some hours more."""
    if not 0 <= keep_hours <= LONGEST_KEEP_HOURS:
        raise InvalidError(f"The former secret is kept for 0 to {LONGEST_KEEP_HOURS:.0f} hours.", "body.keep_hours")
    key, until = key_of(name), datetime.now(UTC) + timedelta(hours=keep_hours)

    def make(written: Written | None) -> Entry | None:
        following = _target(key, written).secret_version + 1
        return alteration(key, {"secret_version": following, "former_secret_until": until}).make(written)

    return Edit(key, make)


async def tried(settings: Settings, target: Target, text: str) -> Tried:
    """Post one made-up event from here, signed as the workers sign; nothing is sent to anybody."""
    key = _key(settings)
    now = datetime.now(UTC)
    command_id = str(uuid4())
    data = Posted(
        event_id=command_id,
        event_type=_TEST,
        source_system="posto",
        trace_id=uuid4().hex,
        occurred_at=now,
        received_at=now,
        payload={"text": text},
    )
    body = msgspec.json.encode(Post(type=_TEST, timestamp=now, action=Action.AI, data=data))
    began = time.monotonic()
    status, problem, reason, answer = None, None, None, None
    async with Targets(settings.posto_target_networks, most=1) as targets:
        try:
            headers = signed_headers(key, target, command_id, body, now)
            status, said = await targets.post(target.url, body, headers, target.timeout_seconds)
            answer = answer_of(said)
        except TargetError as error:
            status, reason, problem = error.status, error.reason, str(error)
        except AnswerError as error:
            reason, problem = "bad_answer", str(error)
    return Tried(
        url=target.url,
        seconds=time.monotonic() - began,
        status=status,
        replies=tuple(reply.text for reply in answer.replies) if answer else (),
        handoff=bool(answer and answer.handoff),
        reason=reason,
        problem=problem,
    )


def _target(key: Key, written: Written | None) -> Target:
    row = known(key, written)
    if not isinstance(row.entry, Target):
        raise InvalidError(f"The target {key.id!r} makes no sense: {row.fault}.")
    return row.entry


def _key(settings: Settings) -> str:
    key = settings.posto_target_key.get_secret_value()
    if not key:
        raise ConflictError("POSTO_TARGET_KEY is not set here: no target has a secret without it (see .env.example).")
    return key
