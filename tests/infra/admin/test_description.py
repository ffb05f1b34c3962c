"""The description at /openapi.json, and its readable page."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.admin.app import build
from infra.context import Context
from infra.settings import load


@pytest.fixture
async def open_api() -> Any:
    """A client without a token; nothing that is described runs."""
    async with Context(load(_env_file=None)) as context:
        transport = httpx.ASGITransport(build(context))
        async with httpx.AsyncClient(transport=transport, base_url="http://posto") as client:
            yield client


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


async def test_everything_is_described_with_what_may_go_wrong(open_api: httpx.AsyncClient) -> None:
    document = (await open_api.get("/openapi.json")).json()

    assert document["openapi"] == "3.1.0"
    assert {"/api/events", "/api/whatsapp/webhook", "/api/admin/events"} <= set(document["paths"])
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation.get("description"), where
        assert operation["security"], where
        assert {"400", "401", "403", "422", "503"} <= set(operation["responses"]), where
        assert any(status.startswith("2") for status in operation["responses"]), where


async def test_every_reference_leads_somewhere(open_api: httpx.AsyncClient) -> None:
    text = (await open_api.get("/openapi.json")).text
    document = (await open_api.get("/openapi.json")).json()
    for reference in set(re.findall(r'"\$ref":"#/([^"]+)"', text)):
        found: Any = document
        for part in reference.split("/"):
            assert part in found, reference
            found = found[part]


async def test_texts_and_numbers_that_are_sent_are_bounded(open_api: httpx.AsyncClient) -> None:
    document = (await open_api.get("/openapi.json")).json()
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            shapes = parameter["schema"].get("anyOf", [parameter["schema"]])
            for shape in shapes:
                bounds = {"maxLength", "maximum", "enum", "format", "const", "$ref", "pattern"}
                is_open = shape.get("type") in {"string", "integer", "number"} and not bounds & set(shape)
                assert not is_open, f"{method} {path}: {parameter['name']} is unbounded"


async def test_the_page_loads_nothing_from_elsewhere(open_api: httpx.AsyncClient) -> None:
    page = (await open_api.get("/docs")).text
    wanted = re.findall(r'(?:href|src)="([^"]+)"', page)

    assert len(wanted) >= 3
    for address in wanted:
        assert address.startswith("/"), address
        assert (await open_api.get(address)).status_code == 200
    assert "/openapi.json" in page
