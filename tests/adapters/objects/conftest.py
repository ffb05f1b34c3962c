"""The store over a folder, and over an S3 on loopback."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.objects import ContentStore, S3Access, open_store
from tests.support.s3 import make_bucket
from tests.support.s3 import s3_server as running_s3

OpenStore = Callable[[], ContentStore]


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the run's S3."""
    with running_s3(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def s3(s3_server: str) -> S3Access:
    """The way to it."""
    return S3Access(endpoint=s3_server, region="sa-east-1", key_id="key-of-tests", secret="secret-of-tests")


@pytest.fixture
def bucket(s3_server: str) -> str:
    """A bucket that only this test has."""
    name = f"media-{uuid.uuid4().hex[:12]}"
    make_bucket(s3_server, name)
    return name


@pytest.fixture(params=["folder", "s3"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens one and the same store anew, of each kind."""
    if request.param == "folder":
        return lambda: open_store(str(tmp_path / "media"), S3Access())
    access: S3Access = request.getfixturevalue("s3")
    bucket: str = request.getfixturevalue("bucket")
    return lambda: open_store(f"s3://{bucket}/posto/media", access)
