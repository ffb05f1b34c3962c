from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from adapters.objects import S3Access, StoreUnavailableError, is_bucket, open_store
from streams.normalization.blobs import Blob
from tests.support.http import refusing

PICTURE = Blob.of(b"\xff\xd8\xff picture", "image/jpeg")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_folder_is_made_where_it_is_missing_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "media"

    await open_store(str(folder), S3Access()).put(PICTURE)

    digest = PICTURE.ref.removeprefix("sha256:")
    assert (folder / digest[:2] / digest).read_bytes() == PICTURE.data
    assert [path.name for path in _files(folder)] == [digest]
    assert folder.stat().st_mode & 0o077 == 0


async def test_a_file_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), S3Access())
    await store.put(PICTURE)
    [written] = _files(tmp_path)
    written.write_bytes(b"")

    await store.put(PICTURE)

    assert await store.get(PICTURE.ref) == PICTURE.data


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreUnavailableError, match="file/media"):
        open_store(str(tmp_path / "file" / "media"), S3Access())


async def test_a_folder_that_vanishes_makes_the_store_unavailable(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    store = open_store(str(folder), S3Access())
    folder.rmdir()
    folder.write_text("in the way")

    with pytest.raises(StoreUnavailableError, match=str(folder)):
        await store.put(PICTURE)


async def test_a_bucket_keeps_objects_under_its_prefix_with_their_media_type(s3: S3Access, bucket: str) -> None:
    await open_store(f"s3://{bucket}/posto/media/", s3).put(PICTURE)

    digest = PICTURE.ref.removeprefix("sha256:")
    plain = S3Store(
        bucket,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key_id=s3.key_id,
        secret_access_key=s3.secret,
        client_options={"allow_http": True},
    )
    found = await obstore.get_async(plain, f"posto/media/{digest[:2]}/{digest}")
    assert bytes(await found.bytes_async()) == PICTURE.data
    assert found.attributes["Content-Type"] == "image/jpeg"


async def test_a_bucket_without_a_prefix_works(s3: S3Access, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", s3)

    await store.put(PICTURE)

    assert await store.get(PICTURE.ref) == PICTURE.data


async def test_a_bucket_that_is_not_there_makes_the_store_unavailable(s3: S3Access, bucket: str) -> None:
    with pytest.raises(StoreUnavailableError, match=f"s3://{bucket}-other"):
        await open_store(f"s3://{bucket}-other", s3).put(PICTURE)


async def test_a_server_that_is_away_makes_the_store_unavailable_and_no_secret_is_told(bucket: str) -> None:
    with refusing() as address:
        store = open_store(f"s3://{bucket}", S3Access(endpoint=address, key_id="key", secret="very-secret"))
        for refused in (store.put(PICTURE), store.get(PICTURE.ref), store.exists(PICTURE.ref)):
            with pytest.raises(StoreUnavailableError) as raised:
                await refused
            assert "very-secret" not in str(raised.value)
            assert "\n" not in str(raised.value)


@pytest.mark.parametrize("location", ["s3://", "s3:///prefix", "s3://user@bucket", "s3://bucket?x=1", "gs://bucket"])
def test_a_location_that_cannot_be_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="must"):
        is_bucket(location)


async def test_a_store_that_is_well_passes_its_check_and_one_that_is_not_there_does_not(
    s3: S3Access, bucket: str, tmp_path: Path
) -> None:
    await open_store(f"s3://{bucket}/posto", s3).check()
    await open_store(str(tmp_path), S3Access()).check()

    with pytest.raises(StoreUnavailableError, match="other"):
        await open_store(f"s3://{bucket}-other", s3).check()
