import os
import socket
from collections.abc import Iterator

import psutil
import pytest

from infra.errors import StackError
from infra.stack import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_port_held_by_a_stranger_is_named_with_its_setting_and_holder(taken: int) -> None:
    holder = psutil.Process().name()
    expected = f"Port {taken} (POSTO_EDGE_PORT) is taken by {holder} (pid {os.getpid()}): stop it, or set another port."
    with pytest.raises(StackError) as raised:
        ports.require_free({"POSTO_EDGE_PORT": taken}, own=())
    assert str(raised.value) == expected


def test_a_port_held_by_the_stack_itself_is_not_in_the_way(taken: int) -> None:
    ports.require_free({"POSTO_EDGE_PORT": taken}, own={os.getpid()})


def test_two_settings_cannot_share_a_port() -> None:
    port = ports.free_port()
    with pytest.raises(StackError, match=f"^POSTO_EDGE_PORT and POSTO_SIM_PORT are both {port}"):
        ports.require_free({"POSTO_EDGE_PORT": port, "POSTO_SIM_PORT": port}, own=())


def test_a_free_port_is_free_and_out_of_the_way_of_outgoing_connections() -> None:
    port = ports.free_port()
    assert ports.is_free(port)
    assert not ports.is_open(port)
    assert port < 32_768


def test_a_taken_port_is_neither_free_nor_closed(taken: int) -> None:
    assert not ports.is_free(taken)
    assert ports.is_open(taken)
