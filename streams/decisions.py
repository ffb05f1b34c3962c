"""What happens to an event: its tenant and channel, the rule that applies, and the command that follows."""

from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from schemas.commands import Command
from schemas.configuration import Channel, Rule
from schemas.events import NO_RULE, Action, Decision, Event, Kind
from schemas.http_actions import HttpCommand
from streams import http_actions, identity, keys, replies
from streams.normalization.content import MAX_TEXT
from streams.preconditions import precondition_of
from streams.revisions import SHELL
from streams.send_bounds import bounds_of


class CannotSendError(ValueError):
    """A message cannot be made of an event; `reason` is a short machine word, the message says what to mend."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Configuration(Protocol):
    """What a decision needs to know (`streams.configuration.Configuration`)."""

    def channel(self, channel_id: str) -> Channel | None:
        """The channel of a canonical id."""

    def channel_of_tenant(self, tenant_id: int) -> Channel | None:
        """The enabled channel of an enabled tenant."""

    def choose(self, event: Event) -> Rule | None:
        """The rule that applies to an event."""

    def render(self, template: str, event: Event) -> tuple[str, int]:
        """A template's text for an event, with the version used; RenderError where it cannot be."""


class Outcome(msgspec.Struct, frozen=True):
    """What was decided: a message to be sent, or a post to a target, or neither. `error`: why it was rejected."""

    kind: Kind
    decision: Decision
    command: Command | None = None
    post: HttpCommand | None = None
    error: Exception | None = None


def decide(event: Event, configuration: Configuration, *, must_wait: bool = False) -> Outcome:
    """Decide about an event not decided before; the same event and configuration give the same outcome.

    `must_wait` says that something of its channel is held in quarantine, behind which it has to queue up.
    """
    channel = configuration.channel(event.channel) if event.channel else None
    if event.channel and (channel is None or must_wait):
        reason = (
            f"channel {event.channel} belongs to no tenant"
            if channel is None
            else f"waits behind what is held of channel {event.channel}"
        )
        return Outcome(Kind.QUARANTINED, Decision(action=NO_RULE, channel=event.channel, reason=reason))
    tenant_id = event.tenant_id if event.tenant_id is not None else channel.tenant.id if channel else None
    if event.revision == SHELL:
        return Outcome(Kind.ACCEPTED, shell(tenant_id, event.channel))
    rule = configuration.choose(event)
    if rule is None:
        return Outcome(Kind.ACCEPTED, Decision(action=NO_RULE, tenant_id=tenant_id, channel=event.channel))
    if rule.action is not Action.WHATSAPP:
        decision = _decision(rule, tenant_id, event.channel)
        post = http_actions.command_of(event, rule, tenant_id, event.channel, _expiry(event, rule))
        if post is not None:
            decision = msgspec.structs.replace(decision, command_id=post.command_id)
        return Outcome(Kind.ACCEPTED, decision, post=post)
    try:
        command = _command(event, rule, tenant_id, channel, configuration)
    except ValueError as error:
        reason = str(error)
        return Outcome(Kind.REJECTED, _decision(rule, tenant_id, event.channel, reason=reason), error=error)
    decision = msgspec.structs.replace(
        _decision(rule, command.tenant_id, command.channel),
        command_id=command.command_id,
        template=command.template,
        template_version=command.template_version,
    )
    return Outcome(Kind.ACCEPTED, decision, command)


def shell(tenant_id: int | None, channel: str | None) -> Decision:
    """What is decided about an empty shell: nothing, until its content comes."""
    reason = "an empty shell: its content comes with another record"
    return Decision(action=Action.NONE, tenant_id=tenant_id, channel=channel, reason=reason)


def _decision(
    rule: Rule,
    tenant_id: int | None,
    channel: str | None,
    *,
    reason: str | None = None,
) -> Decision:
    return Decision(
        action=rule.action,
        rule_id=rule.id,
        rule_version=rule.version,
        template=rule.template,
        tenant_id=tenant_id,
        channel=channel,
        reason=reason,
    )


def _command(
    event: Event, rule: Rule, tenant_id: int | None, given: Channel | None, configuration: Configuration
) -> Command:
    channel = _channel(tenant_id, given, configuration)
    recipient = _recipient(event)
    text, template, template_version = _text(event, rule, configuration)
    bounds_of(rule)  # ValueError where they make no sense
    contact = identity.match_key(recipient)
    return Command(
        command_id=keys.command_id(event.event_id, rule.action),
        event_id=event.event_id,
        event_type=event.event_type,
        trace_id=event.trace_id,
        action=rule.action,
        tenant_id=channel.tenant.id,
        channel=channel.id,
        to=recipient,
        contact=contact,
        text=text,
        created_at=event.received_at,
        policy=rule.policy,
        correlation_id=event.correlation_id,
        conversation_id=replies.joined(event, channel.id) or identity.conversation_id(channel.id, contact),
        rule_id=rule.id,
        rule_version=rule.version,
        template=template,
        template_version=template_version,
        expires_at=_expiry(event, rule),
        precondition_url=precondition_of(event),
        pace=rule.pace,
        send_window=rule.send_window,
        authorship=replies.authorship_of(event),
    )


def _channel(tenant_id: int | None, given: Channel | None, configuration: Configuration) -> Channel:
    """The tenant's own channel; never another one's, however likely it looks."""
    if given is not None:
        if tenant_id != given.tenant.id:
            raise CannotSendError("foreign_channel", f"channel {given.id} does not belong to tenant {tenant_id}")
        if not (given.is_enabled and given.tenant.is_enabled):
            raise CannotSendError("channel_disabled", f"channel {given.id} is disabled")
        return given
    if tenant_id is None:
        raise CannotSendError("no_tenant", "the event names neither a tenant_id nor a channel")
    channel = configuration.channel_of_tenant(tenant_id)
    if channel is None:
        raise CannotSendError("no_channel", f"tenant {tenant_id} has no enabled channel")
    return channel


def _recipient(event: Event) -> str:
    """Who gets it: as the payload says; for what came from the gateway, the chat that it came from."""
    from_gateway = event.source_system == keys.GATEWAY
    spelled = event.payload.get("chat") if from_gateway else identity.recipient_in(event.payload)
    if not isinstance(spelled, str | int):
        raise CannotSendError("no_recipient", "the payload has no recipient (to, phone or phone_normalized)")
    return identity.recipient(spelled)


def _text(event: Event, rule: Rule, configuration: Configuration) -> tuple[str, str | None, int | None]:
    """The text, and the template with its version where one made it. A ready text in the payload wins."""
    if event.source_system != keys.GATEWAY:
        for name in ("text", "message"):
            ready = event.payload.get(name)
            if isinstance(ready, str) and ready.strip():
                if len(ready) > MAX_TEXT:
                    message = f"payload.{name} has {len(ready)} characters, at most {MAX_TEXT} can be sent"
                    raise CannotSendError("text_too_long", message)
                return ready, None, None
    if rule.template is None:
        raise CannotSendError("no_text", f"the payload has no text and rule {rule.id} has no template")
    text, version = configuration.render(rule.template, event)
    return text, rule.template, version


def _expiry(event: Event, rule: Rule) -> datetime | None:
    """The earlier of the event's own end and the rule's time to live, counted from when the hub received it."""
    ends = [event.expires_at] if event.expires_at else []
    if rule.ttl_seconds is not None:
        ends.append(event.received_at + timedelta(seconds=rule.ttl_seconds))
    return min(ends, default=None)
