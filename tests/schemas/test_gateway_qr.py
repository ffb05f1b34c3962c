"""The QR code of a channel is found in every form in which it was seen."""

from typing import Any

import pytest

from schemas.gateway_qr import QrCode

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
TEXT = "2@AbCdEf,GhIj==," + "x/Y+" * 20


@pytest.mark.parametrize("field", ["qr", "qr_base64", "qrcode", "base64Qrimg", "base64", "image"])
@pytest.mark.parametrize("container", [None, "data", "result"])
@pytest.mark.parametrize("code", [PNG, f"data:image/png;base64,{PNG}"], ids=["raw", "data-url"])
def test_a_qr_code_is_found_under_every_name(field: str, container: str | None, code: str) -> None:
    held = {field: code}
    answer = QrCode.model_validate({"success": True, **({container: held} if container else held)})
    assert (answer.is_ready, answer.image, answer.mime_type) == (True, PNG, "image/png")


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "qr": None, "qrcode": PNG},
        {"success": True, "qr": {"base64": PNG}},
        {"success": True, "data": f"data:image/png;base64,{PNG}"},
        {"success": True, "data": {"result": {"qrcode": PNG}}},
        {"success": True, "qr": "\n".join([PNG[:40], PNG[40:]])},
    ],
    ids=["after-null", "nested-name", "data-itself", "twice-nested", "wrapped-lines"],
)
def test_a_qr_code_is_found_in_odd_places(answer: dict[str, Any]) -> None:
    assert QrCode.model_validate(answer).image == PNG


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True},
        {"success": True, "qr": ""},
        {"success": True, "qr": "2@AbCdEf"},
        {"success": True, "data": "connecting"},
        {"success": True, "qr": True, "image": 5, "data": []},
        {"success": True, "status": "initializing", "qr": "data:text/plain;base64,b2k="},
    ],
)
def test_a_success_without_a_code_is_not_ready(answer: dict[str, Any]) -> None:
    code = QrCode.model_validate(answer)
    assert (code.is_ready, code.is_connected, code.image, code.text) == (False, False, None, None)


def test_a_null_code_of_a_connected_channel_says_so() -> None:
    code = QrCode.model_validate({"qr": None, "status": "CONNECTED"})
    assert (code.is_ready, code.is_connected) == (False, True)


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "qr": TEXT},
        {"success": True, "qr": f"  {TEXT}\n"},
        {"success": True, "result": TEXT},
        {"success": True, "data": {"urlcode": TEXT}},
    ],
    ids=["under-the-image's-name", "padded", "result-itself", "nested"],
)
def test_a_code_may_be_given_by_its_text(answer: dict[str, Any]) -> None:
    code = QrCode.model_validate(answer)
    assert (code.is_ready, code.image, code.text) == (True, None, TEXT)


def test_a_code_behind_an_address_is_its_text_too() -> None:
    linked = f"https://wa.me/settings/linked_devices#{TEXT}"
    assert QrCode.model_validate({"qrcode": linked}).text == linked


def test_an_image_and_its_text_are_both_found() -> None:
    code = QrCode.model_validate({"qrcode": PNG, "urlcode": TEXT, "status": "QRCODE"})
    assert (code.image, code.text, code.status) == (PNG, TEXT, "qrcode")
