"""The QR codes of channels that wait for a phone: each is shown for a while, and a phone scans one by its text."""

import secrets
from base64 import b64encode
from io import BytesIO
from typing import Any, Final

import segno

from infra.simulator.config import SimulatorConfig

_DOTS: Final = 4  # pixels a module


class PairingCodes:
    """The code that each channel shows now. `now` is in seconds, of any clock that only goes forward."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[str, float]] = {}

    def of(self, channel: str, now: float, seconds: float) -> str:
        """The text of a channel's code, a fresh one where the last was shown for so many seconds."""
        text, until = self._shown.get(channel, ("", now))
        if now >= until:
            text, until = _new_text(), now + seconds
            self._shown[channel] = text, until
        return text

    def scanned(self, text: str, now: float) -> str | None:
        """The channel that shows this code, which is used up by that; None where it is over or never was."""
        for channel, (shown, until) in self._shown.items():
            if shown == text and now < until:
                del self._shown[channel]
                return channel
        return None

    def clear(self) -> None:
        """Forget all."""
        self._shown.clear()


def held(text: str, config: SimulatorConfig) -> dict[str, Any]:
    """The code as the answer holds it: as its text, as base64 or as a data URL, under one of its names."""
    shape = config.qr_shape
    if shape == "text":
        return {"qr": text}
    out = BytesIO()
    segno.make_qr(text).save(out, kind="png", scale=_DOTS)
    image = b64encode(out.getvalue()).decode()
    code = f"data:image/png;base64,{image}" if config.qr_as_data_url else image
    return {shape: {"qrcode": code}} if shape in ("data", "result") else {shape: code}


def _new_text() -> str:
    """As WhatsApp makes them: a reference, and the keys of the session."""
    return "2@" + ",".join(b64encode(secrets.token_bytes(size)).decode() for size in (90, 32, 32, 32))


__all__ = ["PairingCodes", "held"]
