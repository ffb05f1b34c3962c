"""What the documents tell a person to type works, and prints what they say it prints."""

import itertools
from pathlib import Path

import pytest

from tests.docs.markdown import DOCUMENTS, README, README_PT, RUNNABLE, Block, Document
from tests.docs.shell import Shell, has, shape
from tests.support.stack import Stack
from tests.support.waiting import eventually

BLOCKS = [block for document in DOCUMENTS for block in document.blocks if document is not README_PT]
"""All blocks, once: those of the Portuguese README are those of the English one."""

TOOLS = sorted({block.needs for block in BLOCKS if block.needs})
REASONS = sorted({block.not_run_because for block in BLOCKS if block.not_run_because})


def _runs(block: Block) -> bool:
    if block.language not in RUNNABLE or block.not_run_because or block.run_by:
        return False
    return block.needs is None or has(block.needs)


@pytest.mark.e2e
@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if document is not README_PT and any(map(_runs, document.blocks))],
    ids=str,
)
async def test_the_commands_of_a_document_work_in_their_order(document: Document, stack: Stack, tmp_path: Path) -> None:
    shell = Shell(stack, tmp_path)
    for block, following in itertools.zip_longest(document.blocks, document.blocks[1:]):
        if not _runs(block):
            continue
        if following is not None and following.is_output:
            await _prints(shell, block, following)
        else:
            shell.run(block)


async def _prints(shell: Shell, block: Block, output: Block) -> None:
    """Run a block until it prints what the next one shows: what it looks at may still be on its way."""

    def prints_it() -> bool:
        assert shape(shell.run(block)) == shape(output.text), f"{block} prints something else"
        return True

    await eventually(prints_it, 30, interval=0.5)


@pytest.mark.e2e
def test_the_readme_shows_what_the_demo_shows(stack: Stack) -> None:
    begin, end = "An invoice out:", "Posto is up:"
    [shown] = [block.text for block in README.blocks if begin in block.text]
    printed = stack.posto("up").stdout
    assert begin in printed
    assert _between(begin, end, printed) == _between(begin, end, shown)


def _between(begin: str, end: str, text: str) -> list[str]:
    return shape(text.partition(begin)[2].partition(end)[0])


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_of_the_documents_are_here(tool: str) -> None:
    if not has(tool):
        places = ", ".join(str(block) for block in BLOCKS if block.needs == tool)
        pytest.skip(f"{tool} is not installed: {places}")


@pytest.mark.parametrize("reason", REASONS)
def test_a_command_that_is_only_shown_says_why(reason: str) -> None:
    assert reason
    places = ", ".join(str(block) for block in BLOCKS if block.not_run_because == reason)
    pytest.skip(f"{reason}: {places}")
