from base64 import b64encode
from typing import Any

import pytest

from schemas.gateway import MediaFile

VOICE = b64encode(b"OggS voice").decode()


@pytest.mark.parametrize(
    ("answer", "encoded", "mime_type"),
    [
        ({"success": True, "media_base64": VOICE, "mime_type": "audio/ogg"}, VOICE, "audio/ogg"),
        ({"base64": VOICE, "mimetype": "audio/ogg"}, VOICE, "audio/ogg"),
        ({"data": {"mediaBase64": VOICE, "mimeType": "audio/ogg"}}, VOICE, "audio/ogg"),
        ({"data": VOICE}, VOICE, None),
        ({"result": {"data": f"data:image/png;base64,{VOICE}"}}, f"data:image/png;base64,{VOICE}", "image/png"),
        ({"media_base64": VOICE, "mime_type": 7, "mimetype": ""}, VOICE, "7"),
        ({"media_base64": "", "base64": VOICE}, VOICE, None),
    ],
)
def test_the_answer_is_read_in_every_shape(answer: dict[str, Any], encoded: str, mime_type: str | None) -> None:
    found = MediaFile.model_validate(answer)

    assert (found.media_base64, found.mime_type) == (encoded, mime_type)
    assert not found.model_extra


@pytest.mark.parametrize("answer", [{}, {"success": True}, {"media_base64": None}, {"media_base64": 5}, {"data": {}}])
def test_an_answer_without_a_file_is_none(answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="media_base64"):
        MediaFile.model_validate(answer)
