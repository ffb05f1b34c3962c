"""`.env.example` is the reference of the settings, so it must name all of them, with their defaults."""

import itertools
import re
from pathlib import Path

import pytest

from infra.settings import Settings, load
from infra.stack.layout import CHECKOUT

EXAMPLE = CHECKOUT / ".env.example"


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def _without_comment_signs() -> str:
    return re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def _names() -> list[str]:
    return re.findall(r"^([A-Z_]+)=", _without_comment_signs(), flags=re.MULTILINE)


def test_every_setting_is_in_the_reference_once_and_nothing_else_is() -> None:
    assert sorted(_names()) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.usefixtures("nothing_set")
def test_the_reference_names_the_defaults(tmp_path: Path) -> None:
    everything = tmp_path / ".env"
    everything.write_text(_without_comment_signs(), encoding="utf-8")
    assert load(_env_file=everything) == load(_env_file=None)


@pytest.mark.usefixtures("nothing_set")
def test_a_copy_of_the_reference_changes_nothing() -> None:
    assert load(_env_file=EXAMPLE).model_fields_set == set()


def test_every_setting_is_explained_above_its_line() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    unexplained = []
    for above, line in itertools.pairwise(lines):
        name = re.match(r"#([A-Z_]+)=", line)
        if name and not above.startswith("# ") and not name.group(1).startswith("KAFKA_SASL_"):
            unexplained.append(name.group(1))
    assert unexplained == []
