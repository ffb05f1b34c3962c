"""Every known kind of webhook, and every trap: stored bodies with what becomes of them (`tests/golden`)."""

import json
import re

import pytest

from streams import keys
from streams.normalization import webhooks
from streams.normalization.errors import NormalizationError
from streams.normalization.noise import Noise
from tests.golden import coverage, suite
from tests.golden.rows import ROWS
from tests.golden.suite import Case

CASES = suite.cases()
_PHONE = re.compile(r"(?<![0-9A-Fa-f-])55\d{10,11}(?!\d)")
_MADE_UP = re.compile(r"5547(9?9999000\d|9?33330000)")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_stored_body_becomes_what_it_should(case: Case) -> None:
    assert suite.outcome(case.body) == case.outcome


def test_every_body_has_its_expectation_and_every_expectation_its_body() -> None:
    assert suite.bodies() == suite.expectations()
    assert len(CASES) >= 120


def test_every_row_and_trap_is_covered_and_nothing_else_is_claimed() -> None:
    covered = {row for case in CASES for row in case.expected["covers"]}
    assert covered == {row for rows in ROWS.values() for row in rows}


def test_the_table_of_coverage_is_up_to_date() -> None:
    assert coverage.README.read_text(encoding="utf-8") == coverage.table(), "run: python -m tests.golden.coverage"


def test_what_all_events_share_follows_from_the_record_and_the_key() -> None:
    for case in CASES:
        try:
            found = webhooks.normalize(case.body, suite.RAW)
        except NormalizationError:
            continue
        for event, blobs in () if isinstance(found, Noise) else found:
            assert event.event_id == keys.event_id(event.idempotency_key)
            assert event.stream_key == (event.channel or event.idempotency_key)
            assert event.source_system == keys.GATEWAY
            assert event.received_at == suite.RAW.received_at
            assert event.raw == suite.RAW.coordinates
            assert event.trace_id == suite.RAW.trace_id
            for blob in blobs:
                assert blob.ref in json.dumps(event.payload)


def test_no_phone_is_a_real_one() -> None:
    phones = {phone for case in CASES for phone in _PHONE.findall(case.body.decode("utf-8", "replace"))}
    assert {phone for phone in phones if not _MADE_UP.fullmatch(phone)} == set()
