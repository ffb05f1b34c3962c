"""The shell in which the documents are run."""

from pathlib import Path

import pytest

from infra.stack.layout import Layout
from tests.docs import shell as shell_module
from tests.docs.markdown import Block
from tests.docs.shell import Shell, shape
from tests.support.stack import Stack


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell beside a stack that does not run."""
    (tmp_path / "folder").mkdir()
    return Shell(Stack(Layout.at(tmp_path / "local"), {}), tmp_path / "folder")


def _block(language: str, text: str) -> Block:
    return Block("docs/some.md", 7, language, "", text)


def test_what_a_block_sets_the_next_one_has(shell: Shell) -> None:
    shell.run(_block("bash", "greeting='Olá\n  mundo'"))
    assert shell.run(_block("bash", 'echo "$greeting"')) == "Olá\n  mundo\n"
    assert shell.run(_block("python", "import os\nprint(os.environ['greeting'])")) == "Olá\n  mundo\n"


def test_it_stands_in_the_projects_folder_without_its_settings(shell: Shell) -> None:
    assert "Makefile" in shell.run(_block("bash", "ls"))
    assert shell.run(_block("bash", "test ! -e .env && echo none")) == "none\n"


@pytest.mark.parametrize(
    "text", ["false", "false | true", "echo $nowhere_set", "false\ntrue"], ids=["last", "pipe", "unset", "first"]
)
def test_a_block_that_fails_is_named(shell: Shell, text: str) -> None:
    with pytest.raises(AssertionError, match=r"docs/some\.md:7 ended with 1"):
        shell.run(_block("bash", text))


def test_a_warning_in_python_is_a_failure(shell: Shell) -> None:
    with pytest.raises(AssertionError, match="DeprecationWarning"):
        shell.run(_block("python", "import warnings\nwarnings.warn('old', DeprecationWarning)"))


def test_a_block_that_hangs_is_ended_with_all_it_started(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell_module, "_SECONDS", 0.5)
    with pytest.raises(AssertionError, match="ended with -9"):
        shell.run(_block("bash", "cat < /dev/zero > /dev/null | cat"))


def test_outputs_are_compared_without_what_is_new_every_time() -> None:
    first = (
        "├── raw      08:33:18.961   +0.000s  raw.event/1@0\n└── id 437217db-e161-5bb6-99e1-20d302f973d3  3EB0AA01FF\n"
    )
    second = (
        "├── raw   09:00:00.001  -0.462s  raw.event/3@12\n└── id 00000000-0000-5000-8000-0000000000ab  3EB0BB02\n\n"
    )
    assert shape(first) == shape(second)
    assert shape(first) != shape(second.replace("raw ", "event "))
