"""`posto media`: the bytes of a file, or one sentence on why there are none."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.objects import S3Access, open_store
from infra.doctor import check_media
from infra.settings import load
from streams.normalization.blobs import Blob
from tests.support.http import refusing
from tests.support.stack import clean_environ, posto

VOICE = Blob.of(b"OggS\x00\xff a voice note", "audio/ogg")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    asyncio.run(open_store(str(folder), S3Access()).put(VOICE))
    return folder


def test_a_file_is_written_where_it_is_wanted(folder: Path, tmp_path: Path) -> None:
    result = posto(tmp_path, {"POSTO_MEDIA_STORE": str(folder)}, "media", "get", VOICE.ref, "-o", "note.ogg")

    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "note.ogg").read_bytes() == VOICE.data


def test_a_file_goes_byte_for_byte_to_standard_output(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "infra.cli", "media", "get", VOICE.ref],
        cwd=tmp_path,
        env={**clean_environ(), "POSTO_MEDIA_STORE": str(folder)},
        capture_output=True,
        check=True,
    )

    assert done.stdout == VOICE.data


@pytest.mark.parametrize("ref", ["sha256:" + "0" * 64, "../../etc/passwd"])
def test_what_is_not_there_is_one_sentence(folder: Path, tmp_path: Path, ref: str) -> None:
    result = posto(tmp_path, {"POSTO_MEDIA_STORE": str(folder)}, "media", "get", ref)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("posto: ")
    assert ref in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_location_that_cannot_be_is_a_wrong_setting(tmp_path: Path) -> None:
    result = posto(tmp_path, {"POSTO_MEDIA_STORE": "gs://bucket"}, "media", "get", VOICE.ref)

    assert result.returncode == 2
    assert result.stderr.startswith("posto: POSTO_MEDIA_STORE: must be a folder")


async def test_a_folder_is_named() -> None:
    finding = await check_media(load(_env_file=None, posto_media_store="/srv/media"))

    assert (finding.ok, finding.detail) == (True, "files go to the folder /srv/media")


async def test_a_bucket_that_does_not_answer_is_found() -> None:
    with refusing() as address:
        settings = load(
            _env_file=None,
            posto_media_store="s3://media",
            posto_media_endpoint=address,
            posto_media_key_id="key",
            posto_media_key_secret="secret",
        )
        finding = await check_media(settings)

    assert not finding.ok
    assert "s3://media" in finding.detail
    assert "POSTO_MEDIA_STORE" in finding.advice
