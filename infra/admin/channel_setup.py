"""`/api/admin/channels/{channel}/...`: the set-up of a channel, one step at a time, and the gateway as a whole."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response

from adapters.mysql.pool import Session
from infra import channels_view, qr_codes
from infra.admin.access import Administrator, Operating, Reader
from infra.admin.channels import ChannelPath
from infra.admin.context import InContext
from infra.admin.once import OnceOnly
from infra.admin.tenants import actor_of
from infra.channels import registry, test_message
from infra.channels.effects import NOBODY, Actor
from infra.channels.probe import webhook_of
from infra.channels.setup import Setup, Standing
from infra.context import Context
from infra.errors import AwayError, ConflictError
from schemas.admin.channels import (
    ChannelShown,
    DifferenceShown,
    DifferencesShown,
    NewTestMessage,
    QrShown,
    StandingShown,
    TestMessageShown,
    WebhookShown,
)
from streams.channel_setup import Step

router: Final = APIRouter(tags=["channels"])

_PNG: Final = "image/png"
_NOT_READY_SECONDS: Final = 2.0


@router.get("/channels/{channel}/standing")
async def show_standing(_: Reader, context: InContext, channel: ChannelPath) -> StandingShown:
    """Where a channel stands, by the gateway's word, its row and what came in from it, and what comes next."""
    return _standing(await Setup(context, NOBODY).standing(channel))


@router.post("/channels/{channel}/connect")
async def connect(operator: Administrator, context: InContext, channel: ChannelPath) -> StandingShown:
    """Take the next step, where it is one that no person has to take: start the session, or set the webhook.

    Ask again until `next_step` is `test` or `done`; while it is `scan`, show the QR code to the phone.
    """
    setup = Setup(context, actor_of(operator))
    standing = await setup.standing(channel)
    match standing.next_step:
        case Step.CREATE:
            await setup.make_again(standing.row)
        case Step.START:
            await setup.start(standing.row.channel_id)
        case Step.WEBHOOK:
            await setup.set_webhook(standing.row)
        case _:
            return _standing(standing)
    return _standing(await setup.standing(channel))


@router.post("/channels/{channel}/reconnect")
async def reconnect(operator: Administrator, context: InContext, channel: ChannelPath) -> StandingShown:
    """Start a channel's session at the gateway again, whatever it says of it."""
    setup = Setup(context, actor_of(operator))
    await setup.start((await registry.channel(context, channel)).channel_id)
    return _standing(await setup.standing(channel))


@router.get("/channels/{channel}/qr")
async def show_qr(operator: Administrator, context: InContext, channel: ChannelPath, response: Response) -> QrShown:
    """The QR code that the channel shows now, as its text. Whoever scans it takes the channel over.

    503 while the gateway has none ready (ask again), 409 where the channel is connected and needs none.
    """
    response.headers["cache-control"] = "no-store"
    text = await _code(context, actor_of(operator), channel)
    return QrShown(text=text, drawn=await asyncio.to_thread(qr_codes.in_terminal, text))


@router.get(
    "/channels/{channel}/qr.png",
    response_class=Response,
    responses={200: {"content": {_PNG: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def show_qr_png(operator: Administrator, context: InContext, channel: ChannelPath) -> Response:
    """The same as an image."""
    text = await _code(context, actor_of(operator), channel)
    image = await asyncio.to_thread(qr_codes.png, text)
    return Response(image, media_type=_PNG, headers={"cache-control": "no-store"})


@router.post("/channels/{channel}/webhook")
async def set_webhook(operator: Administrator, context: InContext, channel: ChannelPath) -> WebhookShown:
    """Tell the gateway where the channel's webhooks go, once a probe came in there."""
    row = await registry.channel(context, channel)
    probe = await Setup(context, actor_of(operator)).set_webhook(row)
    return WebhookShown(url=webhook_of(context.settings).shown, probe=probe)


@router.post("/channels/{channel}/test-message", status_code=202)
async def send_test_message(
    operator: Operating, context: InContext, once: OnceOnly, channel: ChannelPath, body: NewTestMessage
) -> TestMessageShown:
    """Send a message by the channel, as any other event goes out: its ack proves that webhooks arrive."""
    row = await registry.channel(context, channel)

    async def make(_: Session) -> TestMessageShown:
        text = body.text or test_message.TEXT
        sent = await test_message.send(context, actor_of(operator), row, body.to, text, key=once.key)
        return TestMessageShown.model_validate(sent)

    return await once.run(body, TestMessageShown, make)


@router.get("/gateway/channels")
async def show_differences(_: Reader, context: InContext) -> DifferencesShown:
    """What the gateway's list of channels and ours say differently."""
    found = await Setup(context, NOBODY).differences()
    return DifferencesShown(items=[DifferenceShown.model_validate(each) for each in found])


@router.put("/gateway/webhook")
async def set_global_webhook(operator: Administrator, context: InContext) -> WebhookShown:
    """Tell the gateway where the webhooks of all channels go that have no address of their own."""
    probe = await Setup(context, actor_of(operator)).set_global_webhook()
    return WebhookShown(url=webhook_of(context.settings).shown, probe=probe)


async def _code(context: Context, actor: Actor, channel: str) -> str:
    row = await registry.channel(context, channel)
    code = await Setup(context, actor).qr(row.channel_id)
    if code.is_connected:
        raise ConflictError(f"Channel {row.channel_id!r} is connected and needs no QR code.")
    if code.text is None:
        raise AwayError(
            f"The gateway has no QR code of {row.channel_id!r} ready yet: ask again, for up to a minute. If none "
            "comes, `reconnect` starts the session again.",
            _NOT_READY_SECONDS,
        )
    return code.text


def _standing(found: Standing) -> StandingShown:
    return StandingShown(
        channel=ChannelShown.model_validate(found.row),
        gateway_state=found.gateway_state,
        next_step=found.next_step.value,
        what_to_do=channels_view.told(found.next_step, found.row),
    )
