"""The documents hold together: links lead somewhere, and what they name exists."""

import re
from collections.abc import Iterable

import pytest

from infra.cli import COMMANDS
from infra.settings import Settings, load
from infra.stack.environment import SECRETS
from infra.stack.layout import CHECKOUT
from tests.docs.markdown import DOCUMENTS, OPERATIONS, README, README_PT, RUNNABLE, Block, Document
from tests.docs.tables import codes, table

SHOWN = frozenset({"text", "mermaid"})

_PATH = re.compile(r"`((?:schemas|streams|agents|adapters|infra|tests|bench|docs)/[\w./-]*)(?:::(\w+))?`")
_SETTING = re.compile(r"\b(?:POSTO|KAFKA|MYSQL|WPP|PIXELHUB|EVENT)_[A-Z0-9_]*[A-Z0-9]\b")
_OTHER_VARIABLES = frozenset({"POSTO_TEST_CONTAINERS", "POSTO_KAFKA_2_PORT", "POSTO_KAFKA_3_PORT", "POSTO_FAILPOINTS"})

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


@each_document
def test_links_lead_to_files_and_headings_that_are_there(document: Document) -> None:
    for link in document.links:
        target, _, anchor = link.partition("#")
        if target.startswith(("http://", "https://")):
            continue
        path = (document.path.parent / target).resolve() if target else document.path
        assert path.exists(), link
        assert path.is_relative_to(CHECKOUT), link
        if anchor:
            assert anchor in Document(path).anchors, link


@each_document
def test_nothing_is_of_one_machine(document: Document) -> None:
    assert str(CHECKOUT) not in document.text
    assert not re.search(r"(?<![\w.])/(?:home|root|Users|work|mnt)/", document.text)


@each_document
def test_files_and_tests_that_are_named_exist(document: Document) -> None:
    for path, test in _PATH.findall(document.text):
        assert (CHECKOUT / path).exists(), path
        if test:
            assert re.search(rf"^(?:async )?def {test}\(", (CHECKOUT / path).read_text(), re.MULTILINE), test


@each_document
def test_settings_that_are_named_exist(document: Document) -> None:
    known = {name.upper() for name in Settings.model_fields} | set(SECRETS) | _OTHER_VARIABLES
    assert set(_SETTING.findall(document.text)) <= known


def test_all_metrics_are_listed_and_no_others() -> None:
    named = [code for row in table(OPERATIONS, "metric", "process") for code in codes(row["metric"])]
    code = _code("streams", "agents", "adapters", "infra")
    made = set(re.findall(r'(?:Counter|Gauge|Histogram|_gauge|GaugeMetricFamily)\(\s*"(posto_[a-z_]+)"', code))
    assert {name.removesuffix("_total") for name in named} == {name.removesuffix("_total") for name in made}


def test_log_lines_that_are_explained_are_written() -> None:
    code = _code("streams", "agents", "adapters", "infra")
    for row in table(OPERATIONS, "event", "means"):
        for event in codes(row["event"]):
            assert re.search(rf'log\.\w+\(\s*"{event}"', code), event


@each_document
def test_targets_of_make_and_commands_of_posto_exist(document: Document) -> None:
    targets = re.findall(r"^([a-z]+):.*##", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", document.text, re.MULTILINE)) <= set(targets)
    assert set(re.findall(r"(?:`|^|\| )posto ([a-z-]+)", document.text, re.MULTILINE)) <= set(COMMANDS)


@pytest.mark.parametrize("block", [block for document in DOCUMENTS for block in document.blocks], ids=str)
def test_every_block_says_what_it_is(block: Block) -> None:
    assert block.language in RUNNABLE | SHOWN
    if block.run_by is not None:
        assert (CHECKOUT / block.run_by).is_file()


def test_the_settings_of_the_readme_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    [block] = [block for block in README.blocks if "<<'SETTINGS'" in block.text]
    lines = re.findall(r"^([A-Z_]+)=(.+)$", block.text, re.MULTILINE)
    settings = load(_env_file=None, **{name.lower(): value for name, value in lines})
    assert settings.model_fields_set == {name.lower() for name, _ in lines}


def test_all_that_containers_need_is_named() -> None:
    compose = (CHECKOUT / "docker-compose.kafka.yml").read_text(encoding="utf-8")
    [block] = [block for block in OPERATIONS.blocks if "docker compose" in block.text]
    assert set(re.findall(r"^([A-Z_]+)=", block.text, re.MULTILINE)) == set(re.findall(r"\$\{([A-Z_]+):\?", compose))


def test_both_readmes_have_the_same_structure() -> None:
    assert [level for level, _ in README.headings] == [level for level, _ in README_PT.headings]
    assert _order(README.text) == _order(README_PT.text)


def test_both_readmes_show_the_same_commands_and_outputs() -> None:
    shown = [[(block.language, block.note, block.text) for block in readme.blocks] for readme in (README, README_PT)]
    assert shown[0] == shown[1]


def test_both_readmes_link_to_the_same_places() -> None:
    def targets(readme: Document, other: Document) -> list[str]:
        return [link for link in readme.links if link != other.path.name and not link.startswith("#")]

    assert targets(README, README_PT) == targets(README_PT, README)


def test_all_documents_can_be_found_from_the_readme() -> None:
    linked = {(README.path.parent / link.partition("#")[0]).resolve() for link in README.links}
    assert {document.path for document in DOCUMENTS} - {README.path} <= linked


def _order(text: str) -> list[str]:
    """What stands where: a letter for each heading, block and table."""
    lines: Iterable[str] = text.splitlines()
    return [line[:3].strip() for line in lines if re.match(r"#+ |```\w|\|--", line)]


def _code(*folders: str) -> str:
    return "".join(path.read_text() for folder in folders for path in (CHECKOUT / folder).rglob("*.py"))
