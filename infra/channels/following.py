"""Takes a channel from where it stands to where it works, showing its QR code and waiting for its phone."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from infra.channels import registry
from infra.channels.calls import Tell
from infra.channels.probe import webhook_of
from infra.channels.setup import Setup, Standing
from infra.context import Context
from infra.errors import AwayError, ConflictError
from streams.channel_setup import Step

ShowQr = Callable[[str], None]
"""Takes the text of a QR code."""

_FIRST_CODE: Final = "Scan this code with the phone: WhatsApp, Linked devices, Link a device."
_NEXT_CODE: Final = "That code is over; scan this one:"

_LOOK_SECONDS: Final = 0.25
"""How often the tables are asked whether a webhook said something new of the channel."""
ASK_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 8.0
"""How rarely it is asked for a code that it does not have."""
_START_SECONDS: Final = 20.0
"""How long a session that was started has before it is started again."""


async def follow(
    context: Context,
    setup: Setup,
    channel_id: str,
    *,
    tell: Tell,
    show_qr: ShowQr,
    seconds: float,
    ask_seconds: float = ASK_SECONDS,
) -> Standing:
    """Take every step up to the test message, which is left to the caller; where the channel stands then.

    While a code is shown the gateway is asked every `ask_seconds`, and at once where a webhook told something.
    AwayError where that takes longer: doing the same again goes on from there. Nothing is lost by stopping it.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _follow(context, setup, channel_id, tell, show_qr, ask_seconds)
    except TimeoutError:
        raise AwayError(
            f"{channel_id!r} was not connected within {seconds:g} s. Do the same again, it goes on where it stands; "
            "--wait gives it longer."
        ) from None


async def _follow(
    context: Context, setup: Setup, channel_id: str, tell: Tell, show_qr: ShowQr, ask_seconds: float
) -> Standing:
    shown: str | None = None
    said: Step | None = None
    started_at = -_START_SECONDS
    waits = _waits(ask_seconds)
    while True:
        standing = await setup.standing(channel_id)
        step = standing.next_step
        is_new, said = step is not said, step
        match step:
            case Step.CREATE | Step.START:
                now = asyncio.get_running_loop().time()
                if now - started_at >= _START_SECONDS:
                    started_at = now
                    tell(f"The gateway starts the session of {channel_id!r}.")
                    await (setup.make_again(standing.row) if step is Step.CREATE else setup.start(channel_id))
                    continue
            case Step.ENABLE:
                raise ConflictError(_disabled(standing))
            case Step.SCAN:
                code = await setup.qr(channel_id)
                if code.text is not None and code.text != shown:
                    tell(_NEXT_CODE if shown else _FIRST_CODE)
                    shown, waits = code.text, _waits(ask_seconds)
                    show_qr(code.text)
                elif code.text is None and is_new:
                    tell("The gateway has no QR code ready yet.")
            case Step.WAIT if is_new:
                tell(f"The session of {channel_id!r} is starting ({standing.gateway_state}).")
            case Step.WEBHOOK:
                tell(f"Connected: {channel_id!r}. The webhook is probed, and told to the gateway.")
                place = await setup.set_webhook(standing.row)
                tell(f"The gateway posts to {webhook_of(context.settings).shown}; the probe came in as {place}.")
                continue
            case Step.TEST | Step.DONE:
                return standing
        await _heard(context, standing, ask_seconds if shown else next(waits))


async def _heard(context: Context, standing: Standing, seconds: float) -> None:
    """Wait until a webhook said something of the channel, at most so long. The gateway is asked next in any case."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        await asyncio.sleep(min(_LOOK_SECONDS, seconds))
        if (await registry.channel(context, standing.row.id)).state_at != standing.row.state_at:
            return


def _waits(ask_seconds: float) -> Iterator[float]:
    """Seconds to the next question while there is no code, ever more of them."""
    wait = ask_seconds / 8
    while True:
        yield wait
        wait = min(wait * 2, _LONGEST_SECONDS)


def _disabled(standing: Standing) -> str:
    row = standing.row
    if not row.is_enabled:
        return f"Channel {row.channel_id!r} is disabled: `posto channels enable {row.id}` enables it; then go on."
    return f"Tenant {row.tenant_id} is disabled: `posto tenants enable {row.tenant_id}` enables it; then go on."
