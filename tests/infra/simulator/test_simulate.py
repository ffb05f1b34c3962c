"""`posto simulate`: runs the simulator alone, or plays a recording."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.http import receiving, refusing
from tests.support.waiting import eventually

COMMAND = (
    "import typer; from infra.commands.simulate import simulate; app = typer.Typer(); app.command()(simulate); app()"
)


@asynccontextmanager
async def simulate(*arguments: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command in a process of its own; it is ended when the test is done with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COMMAND,
        *arguments,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_listens_where_it_is_told_and_ends_on_sigterm() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--port", str(port), "--null-message-ids", "--ack-delay", "0.5", "--webhook-url", "http://127.0.0.1:1"]
    async with simulate(*arguments, WPP_GATEWAY_SECRET="s3cr3t") as process:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

            async def shown() -> httpx.Response | None:
                try:
                    return await http.get("/_sim/config")
                except httpx.ConnectError:
                    assert process.returncode is None
                    return None

            answer = await eventually(shown, timeout=20)
            assert answer is not None
            config = answer.json()
            assert (config["return_message_id"], config["ack_delay_seconds"]) == (False, 0.5)
            assert (await http.get("/api/channels")).status_code == 401
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
        assert f"http://127.0.0.1:{port}" in errors.decode()
        assert "Traceback" not in errors.decode()


async def test_it_plays_a_recording_to_the_hub(tmp_path: Path) -> None:
    recording = tmp_path / "recorded.ndjson"
    recording.write_bytes(b'{"event": "message", "n": 1}\nnot json\n')
    async with receiving() as hub:
        settings = {"PIXELHUB_WHATSAPP_WEBHOOK_URL": hub.url, "PIXELHUB_WHATSAPP_WEBHOOK_SECRET": "hub-secret"}
        async with simulate("--play", str(recording), "--rate", "1000", **settings) as process:
            output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        assert hub.bodies == [b'{"event": "message", "n": 1}', b"not json"]
        assert hub.secrets == ["hub-secret"] * 2
    result = json.loads(output)
    assert (result["posted"], result["failed"], result["outcomes"]) == (2, 0, {"202": 2})


async def test_a_recording_that_is_not_taken_ends_with_1(tmp_path: Path) -> None:
    recording = tmp_path / "recorded.json"
    recording.write_text('[{"event": "message"}]')
    with refusing() as url:
        async with simulate("--play", str(recording), "--webhook-url", url) as process:
            output, _ = await process.communicate()
    assert process.returncode == 1
    assert json.loads(output)["outcomes"] == {"ConnectError": 1}


@pytest.mark.parametrize(
    "arguments",
    [["--play", os.devnull, "--mix"], ["--port", "0"], ["--play", "/nowhere"], ["--webhook-url", "nowhere"]],
)
async def test_an_option_that_makes_no_sense_is_named(arguments: list[str]) -> None:
    async with simulate(*arguments) as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"Traceback" not in errors
