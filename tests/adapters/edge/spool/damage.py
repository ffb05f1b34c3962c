"""Damage to files, as a failing disk does it."""

from pathlib import Path


def flip(file: Path, at: int, length: int = 1) -> None:
    """Turn every bit of some bytes round."""
    with file.open("r+b") as stream:
        stream.seek(at)
        found = stream.read(length)
        stream.seek(at)
        stream.write(bytes(byte ^ 0xFF for byte in found))


def flip_inside(file: Path, text: bytes) -> None:
    """Damage the one place where a text stands."""
    content = file.read_bytes()
    assert content.count(text) == 1
    flip(file, content.index(text))


def break_what_is_free(file: Path) -> None:
    """Damage the list of a database's free pages: all can be read, and the next change of it fails."""
    trunk = int.from_bytes(file.read_bytes()[32:36], "big")
    assert trunk, "no page is free"
    flip(file, (trunk - 1) * 4096, 64)
