"""How the simulated gateway behaves while no fault is set; changed at run time by `PATCH /_sim/config`."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from infra.settings import Settings

AckWord = Literal["sent", "delivered", "read", "played", "failed"]
Delay = Annotated[float, Field(ge=0, le=3600)]


class SimulatorConfig(BaseModel):
    """The behaviour of one simulator.

    `return_message_id`: whether the answer of a send holds the message id. A real gateway **usually answers null**;
    the simulator answers with it, so that acks find their command by exact id. Set it to false (here, by
    `PATCH /_sim/config`, or for some calls by the fault `message_id_null`) to see what production sees.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    secret: str = ""
    """What `X-Gateway-Secret` must hold; empty lets everyone in."""
    webhook_url: str | None = None
    """Where webhooks go until the API sets an address; None: nowhere."""
    webhook_secret: str = ""
    return_message_id: bool = True
    message_id_field: Literal["messageId", "message_id", "id"] = "messageId"
    emit_echo: bool = True
    echo_delay_seconds: Delay = 0.0
    acks: tuple[AckWord, ...] = ("sent", "delivered", "read")
    ack_delay_seconds: Delay = 0.2
    """Between the answer and the first ack, and between two acks."""
    ack_shape: Literal["wrapper", "flat", "both"] = "wrapper"
    """The wrapper's envelope names the channel; the flat one holds an id and a word, and nothing else."""
    qr_shape: Literal[
        "qr", "qr_base64", "qrcode", "base64Qrimg", "base64", "image", "data", "result", "text", "not_ready", "null"
    ] = "qr"
    """Where the QR code of a channel that needs one lies in the answer, or why there is none."""
    qr_as_data_url: bool = True
    qr_seconds: Annotated[float, Field(gt=0, le=3600)] = 20.0
    """How long a code is shown before the next one takes its place."""
    media_delay_seconds: Delay = 30.0
    """How long the bytes of a message are answered with 404."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The simulator that the local stack's edge and client expect."""
        return cls(
            secret=settings.wpp_gateway_secret.get_secret_value(),
            webhook_url=settings.pixelhub_whatsapp_webhook_url,
            webhook_secret=next(iter(settings.webhook_secrets), ""),
            ack_delay_seconds=settings.posto_sim_ack_delay_seconds,
        )


__all__ = ["AckWord", "SimulatorConfig"]
