from pathlib import Path

import pytest

from infra.stack.layout import CHECKOUT
from tests.docs.markdown import DOCUMENTS, Document


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Document:
    """A document with one of everything."""
    monkeypatch.setattr("tests.docs.markdown.CHECKOUT", tmp_path)
    path = tmp_path / "a.md"
    path.write_text(
        "# Posto: a hub\n"
        "See [this](b.md#there), not `[that](c.md)`.\n"
        "- a step:\n"
        "  ```bash needs: kcat\n"
        "  # no heading\n"
        "  kcat -L\n"
        "  ```\n"
        "## What & how\n"
        "```text output\n"
        "[no](link.md)\n"
        "```\n"
        "## What & how\n",
        encoding="utf-8",
    )
    return Document(path)


def test_blocks_are_found_with_their_marks_and_without_their_indent(written: Document) -> None:
    shell, output = written.blocks
    assert (str(shell), shell.language, shell.needs, shell.text) == ("a.md:4", "bash", "kcat", "# no heading\nkcat -L")
    assert output.is_output


def test_headings_and_links_are_those_outside_of_code(written: Document) -> None:
    assert written.headings == ((1, "Posto: a hub"), (2, "What & how"), (2, "What & how"))
    assert written.anchors == {"posto-a-hub", "what--how", "what--how-1"}
    assert written.links == ("b.md#there",)


def test_a_block_that_is_never_closed_is_named(written: Document) -> None:
    written.path.write_text("text\n```bash\nls\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.md:2"):
        _ = written.blocks


def test_a_mark_that_nobody_knows_is_named(written: Document) -> None:
    written.path.write_text("```bash norun: why\nls\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.md:1.*norun"):
        _ = written.blocks


def test_the_documents_are_those_of_the_checkout() -> None:
    assert {document.path.parent for document in DOCUMENTS} == {CHECKOUT, CHECKOUT / "docs"}
