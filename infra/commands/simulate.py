"""`posto simulate`: the gateway simulator, alone."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.simulator.config import SimulatorConfig


def simulate(
    port: Annotated[int | None, typer.Option(help="Port to listen on (POSTO_SIM_PORT).", min=1, max=65535)] = None,
    ack_delay: Annotated[
        float | None, typer.Option(help="Seconds before each ack (POSTO_SIM_ACK_DELAY_SECONDS).", min=0)
    ] = None,
    webhook_url: Annotated[str | None, typer.Option(help="Where webhooks go (PIXELHUB_WHATSAPP_WEBHOOK_URL).")] = None,
    null_message_ids: Annotated[
        bool, typer.Option("--null-message-ids", help="Answer sends without a message id, as real gateways mostly do.")
    ] = False,
    play: Annotated[
        Path | None,
        typer.Option(
            help="Post the webhook bodies of this file (JSON array or NDJSON) to the webhook's address, and exit.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    mix: Annotated[
        bool,
        typer.Option("--mix", help="Post two days of two sessions, 99 of 100 bodies technical noise, and exit."),
    ] = False,
    seed: Annotated[int, typer.Option(help="With --mix: another seed, other messages.", min=0)] = 1,
    rate: Annotated[
        float | None,
        typer.Option(help="Bodies a second with --play or --mix; without it, as fast as they are answered.", min=0.001),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="Keep messages and channels in this file as well, and go on from it.", dir_okay=False),
    ] = None,
) -> None:
    """Run a simulated WhatsApp gateway: it takes sends, and posts echoes and acks to the hub's webhook.

    - `posto simulate` listens on POSTO_HOST:POSTO_SIM_PORT (loopback unless set otherwise: its own routes under
      `/_sim` have no secret).
    - `curl 127.0.0.1:8090/_sim/messages` shows what was delivered.
    - `curl 127.0.0.1:8090/_sim/faults -d '{"kind":"http_504","count":3,"delivered":true}'` makes the next three sends
      fail after delivering; `posto simulate --play recorded.ndjson --rate 50` plays recorded webhooks, prints the
      result as JSON, and ends with 1 where one was not taken.
    - `curl 127.0.0.1:8090/_sim/scan -d '{"code":"2@..."}'` is the phone that scans the QR code of this text: its
      channel connects.
    - `posto simulate --mix --rate 200` plays the traffic of two days in a minute and a half: about 19,400 bodies of
      the channels "Canal Um" and "Canal Dois", with 53 messages of contacts and 33 of the channels' own phones.
    """
    from infra.settings import load
    from infra.simulator.config import SimulatorConfig

    settings = load()
    config = SimulatorConfig.from_settings(settings)
    if ack_delay is not None:
        config.ack_delay_seconds = ack_delay
    if webhook_url is not None:
        if not webhook_url.startswith(("http://", "https://")):
            raise typer.BadParameter("must be an address such as http://127.0.0.1:8080/api/whatsapp/webhook")
        config.webhook_url = webhook_url
    config.return_message_id = not null_message_ids
    if play is not None and mix:
        raise typer.BadParameter("--play and --mix are one or the other")
    if play is not None or mix:
        _play(config, _mixed(seed) if play is None else _recorded(play), rate)
        return

    from infra.simulator.server import make_server

    address = f"{settings.posto_host}:{port or settings.posto_sim_port}"
    typer.echo(f"The gateway simulator listens on http://{address}; webhooks go to {config.webhook_url}.", err=True)
    port = port or settings.posto_sim_port
    make_server(config, settings.posto_host, port, settings.posto_log_level, record).run()


def _recorded(recording: Path) -> list[bytes]:
    from infra.simulator.playback import recorded_bodies

    return recorded_bodies(recording.read_bytes())


def _mixed(seed: int) -> list[bytes]:
    from infra.simulator.mix import make

    return [json.dumps(planned.body, ensure_ascii=False).encode() for planned in make(seed)]


def _play(config: "SimulatorConfig", bodies: list[bytes], rate: float | None) -> None:
    import asyncio

    from infra.simulator.playback import Played, play
    from infra.simulator.state import State
    from infra.simulator.webhooks import WebhookPoster

    async def played() -> Played:
        webhooks = WebhookPoster(State(), config)
        try:
            return await play(bodies, lambda body: webhooks.post(body, None), rate)
        finally:
            await webhooks.aclose()

    result = asyncio.run(played())
    typer.echo(json.dumps(result.shown()))
    if result.failed:
        raise typer.Exit(1)
