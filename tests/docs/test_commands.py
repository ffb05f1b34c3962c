"""What the documents tell a person to type works, and prints what they say it prints."""

from pathlib import Path

import pytest

from tests.docs.markdown import DOCUMENTS, README_PT, RUNNABLE, Block, Document
from tests.docs.shell import Shell, has, shape
from tests.support.stack import Stack

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
def test_the_commands_of_a_document_work_in_their_order(document: Document, stack: Stack, tmp_path: Path) -> None:
    shell = Shell(stack, tmp_path)
    printed = None
    for block in document.blocks:
        if _runs(block):
            printed = shell.run(block)
        elif block.is_output and printed is not None:
            assert shape(printed) == shape(block.text), f"{block} shows something else"
        elif block.language in RUNNABLE:
            printed = None


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
