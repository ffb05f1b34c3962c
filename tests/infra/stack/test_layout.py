import os
from pathlib import Path

import pytest

from infra.errors import StackError
from infra.stack.layout import Layout


def test_sockets_lie_beside_the_rest_where_the_path_is_short(tmp_path: Path) -> None:
    layout = Layout(Path("/short"))
    assert layout.sockets == layout.run


def test_sockets_of_a_deep_folder_lie_where_the_system_can_bind_them(tmp_path: Path) -> None:
    deep = Layout(tmp_path / ("deep" * 30))
    assert len(os.fsencode(deep.sockets / "supervisor.sock.1234567")) <= 103
    assert deep.sockets == Layout(tmp_path / ("deep" * 30)).sockets
    assert deep.sockets != Layout(tmp_path / ("deep" * 31)).sockets


def test_the_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    layout = Layout.at(tmp_path / "local")
    layout.create()
    layout.create()
    for folder in (layout.root, layout.log, layout.run, layout.kafka, layout.mysql):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match=r"^POSTO_LOCAL_DIR: .*/file/local cannot be made"):
        Layout.at(tmp_path / "file" / "local").create()
