from typing import Any

import pytest

from streams import paths
from streams.paths import Fields
from tests.streams.samples import event


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tenant_id", 7),
        ("payload.customer.state", "SC"),
        ("customer.state", "SC"),
        ("tags.1", "novo"),
        ("tags.2", None),
        ("tags.-1", None),
        ("tags.99999999999999999999", None),
        ("tags.x", None),
        ("tags.0.0", None),
        ("1", "a name that is a number"),
        ("absent.deeper", None),
        ("raw.offset", None),
        ("fingerprint", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_null(path: str, value: Any) -> None:
    payload = {"customer": {"state": "SC"}, "tags": ["vip", "novo"], "1": "a name that is a number"}
    assert Fields(event(payload=payload, tenant_id=7))[path] == value


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="names joined by single dots"):
        paths.parse(path)
