import pytest

from infra.stack.layout import CHECKOUT
from tests.chaos.mutations import MISTAKES, Mistake


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.name for mistake in MISTAKES])
def test_every_mistake_can_still_be_made_and_what_catches_it_exists(mistake: Mistake) -> None:
    assert (CHECKOUT / mistake.file).read_text(encoding="utf-8").count(mistake.right) == 1
    if not mistake.is_for_harness:
        file, _, test = mistake.caught_by.partition("::")
        assert f"def {test}(" in (CHECKOUT / file).read_text(encoding="utf-8") if test else (CHECKOUT / file).is_file()
