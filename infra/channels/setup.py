"""The set-up of a channel, one step at a time: each may be repeated, and leaves nothing half-done behind.

What the gateway is told goes on record before it is told: also what then fails.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from adapters.gateway import Unknown
from adapters.mysql import channels as sql
from adapters.mysql.channels import ChannelRow
from adapters.mysql.pool import Session
from infra import qr_codes
from infra.channels import registry
from infra.channels.calls import ONCE, Calls, Tell, silent
from infra.channels.effects import Actor, record
from infra.channels.probe import Webhook, probe, webhook_of
from infra.context import Context
from schemas.audit import AuditAction
from schemas.gateway import Channel
from schemas.gateway_qr import QrCode
from streams.channel_differences import Difference, GatewayChannel, OurChannel, differences
from streams.channel_setup import Known, Step, next_step, state_of
from streams.identity import canonical_channel

_NOT_READY: Final = re.compile(r"invalid qr code", re.IGNORECASE)
"""What the gateway says, with status 500, of a code that it does not have yet."""


class Qr(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a QR code, None where there is none to be read now: as none is ready, or the channel needs none."""

    text: str | None
    is_connected: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a channel stands: its row, the gateway's word for its state (None: it knows none), and what comes next."""

    row: ChannelRow
    gateway_state: str | None
    next_step: Step


class Setup:
    """The steps, each as its own method; `actor` is who takes them. Raises OperatorErrors, whose messages say what
    to do.

    `waits` are the seconds before each further attempt of a call to the gateway, `tell` hears of them.
    """

    def __init__(self, context: Context, actor: Actor, waits: Sequence[float] = ONCE, tell: Tell = silent) -> None:
        self._context = context
        self._actor = actor
        self._tell = tell
        self._calls = Calls(context.gateway, context.settings.wpp_gateway_base_url, waits, tell)

    async def begin(
        self, session: Session, tenant_id: int, wanted: str | None, display_name: str | None = None
    ) -> ChannelRow:
        """Give a tenant its channel, made at the gateway where that has none; the row, also where all was done before.

        Without a name it is the tenant's own channel, else one of the tenant's name. Nothing is made for a channel
        that the tenant cannot have. The row is there once the session's transaction ends; then put it in force.
        """
        owner = await registry.tenant(self._context, tenant_id)
        wanted = wanted or owner.channel_id or registry.suggested_channel(owner)
        row = await registry.free_for(self._context, tenant_id, wanted)
        spelled = row.channel_id if row else wanted
        there = await (self._calls.find(spelled) if row else self._calls.find_alike(spelled))
        if there is None and row:
            await self.make_again(row)
        elif there is None:
            await self.start(spelled)
        elif there.id != spelled:
            self._tell(f"The gateway spells it {there.id!r}: so does the hub.")
            spelled = there.id
        return row or await registry.register(self._context, session, self._actor, tenant_id, spelled, display_name)

    async def start(self, channel_id: str) -> None:
        """Let the gateway make a channel's session, or start it again."""
        subject = f"channel:{canonical_channel(channel_id)}"
        await record(self._context, self._actor, AuditAction.CHANNEL_STARTED, subject, channel_id=channel_id)
        await self._calls.do(f"start {channel_id!r}", lambda: self._context.gateway.create_channel(channel_id))

    async def make_again(self, row: ChannelRow) -> None:
        """Let the gateway make a channel that it has lost, and its webhook with it."""
        await self._note_webhook(row, None)
        await self.start(row.channel_id)

    async def standing(self, named: str) -> Standing:
        """Where a channel stands, as the gateway, its row and the evidence say now."""
        row = await registry.channel(self._context, named)
        there = await self._calls.find(row.channel_id)
        return standing_of(row, there)

    async def qr(self, channel_id: str) -> Qr:
        """The QR code that the channel shows now, a fresh one where the last is over."""
        code = await self._calls.do(f"give the QR code of {channel_id!r}", lambda: self._code(channel_id))
        return Qr(text=qr_codes.text_of(code), is_connected=code.is_connected)

    async def set_webhook(self, row: ChannelRow) -> str:
        """Tell the gateway where the channel's webhooks go, once a probe came in there; the probe's place in the log.

        `webhook_configured` is true only while both were done last.
        """
        webhook = webhook_of(self._context.settings)
        place = await probe(self._context.settings, webhook, row.channel_id)
        await self._record_webhook(f"channel:{row.id}", webhook, place)
        await self._note_webhook(row, None)
        await self._calls.do(
            f"take the webhook of {row.channel_id!r}",
            lambda: self._context.gateway.set_channel_webhook(row.channel_id, webhook.url, webhook.secret),
        )
        await self._note_webhook(row, datetime.now(UTC))
        return place

    async def set_global_webhook(self) -> str:
        """The same for all channels that have no address of their own."""
        webhook = webhook_of(self._context.settings)
        place = await probe(self._context.settings, webhook, None)
        await self._record_webhook("gateway:webhook", webhook, place)
        await self._calls.do(
            "take the global webhook",
            lambda: self._context.gateway.set_global_webhook(webhook.url, webhook.secret),
        )
        return place

    async def differences(self) -> list[Difference]:
        """What the gateway's list and ours say differently."""
        listed = await self._calls.do("list its channels", self._context.gateway.list_channels)
        ours = [
            OurChannel(channel_id=row.channel_id, tenant_id=row.tenant_id, state=row.state)
            for row in await registry.channels(self._context)
        ]
        return differences(ours, [GatewayChannel(channel_id=each.id, status=each.status) for each in listed.channels])

    async def _code(self, channel_id: str) -> QrCode:
        try:
            return await self._context.gateway.get_qr(channel_id)
        except Unknown as error:
            if _NOT_READY.search(error.said):
                return QrCode()
            raise

    async def _record_webhook(self, subject: str, webhook: Webhook, place: str) -> None:
        action = AuditAction.WEBHOOK_SET
        await record(self._context, self._actor, action, subject, url=webhook.shown, probe=place)

    async def _note_webhook(self, row: ChannelRow, set_at: datetime | None) -> None:
        at = set_at and set_at.replace(tzinfo=None)
        changes = {"webhook_configured": at is not None, "webhook_set_at": at}
        await sql.change_channel(self._context.db, row.row_id, changes)


def standing_of(row: ChannelRow, there: Channel | None) -> Standing:
    """Where a channel stands, of its row and what the gateway says of it."""
    word = None if there is None else there.status or "unknown"
    known = Known(
        gateway_state=word,
        is_registered=True,
        is_enabled=row.is_enabled and row.tenant_is_enabled,
        webhook_configured=row.webhook_configured,
        webhook_set_at=row.webhook_set_at,
        last_ack_at=row.last_ack_at,
    )
    return Standing(row=row, gateway_state=None if word is None else state_of(word), next_step=next_step(known))


__all__ = ["Qr", "Setup", "Standing", "standing_of"]
