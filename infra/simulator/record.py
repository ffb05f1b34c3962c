"""What the simulated gateway remembers over a restart: a line for each message and each state of a channel."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra.simulator.state import Message, SimulatedChannel, State, Webhook


class Record:
    """One line for each thing that must not be forgotten, written before anybody hears of it.

    It outlives a kill of the process, not a loss of power. A last line that was torn is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def restore(self, state: State) -> None:
        """Take over what an earlier process wrote down, and write down what is new."""
        for kind, entry in self._entries():
            if kind == "message":
                state.deliver(Message(**entry))
            else:
                webhook = Webhook(**entry["webhook"]) if entry.get("webhook") else None
                state.channels[entry["id"]] = SimulatedChannel(entry["id"], entry["status"], webhook=webhook)
        state.on_message = self.message
        state.on_channel = self.channel

    def message(self, message: Message) -> None:
        """Write a message down."""
        self._write("message", asdict(message))

    def channel(self, channel: SimulatedChannel) -> None:
        """Write the state of a channel down, and where its webhooks go."""
        webhook = asdict(channel.webhook) if channel.webhook else None
        self._write("channel", {"id": channel.id, "status": channel.status, "webhook": webhook})

    def _entries(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if not self._path.exists():
            return
        *lines, torn = self._path.read_text(encoding="utf-8").split("\n")
        if torn:
            self._path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        for line in lines:
            kind, entry = json.loads(line)
            yield kind, entry

    def _write(self, kind: str, entry: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([kind, entry], ensure_ascii=False) + "\n")


__all__ = ["Record"]
