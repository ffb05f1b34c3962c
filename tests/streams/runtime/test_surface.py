"""A Faust that moved a name is refused with that name, before anything starts."""

import pytest
from faust.transport.drivers import aiokafka as driver

from streams.runtime import BatchApp, RuntimeConfig, SurfaceError, surface


def test_the_installed_versions_have_every_name() -> None:
    surface.check()


def test_a_name_that_moved_is_named_when_the_app_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(driver.Producer, "_ensure_producer")

    with pytest.raises(SurfaceError, match=r"Producer\._ensure_producer is gone.*faust-streaming 0\.15\.3"):
        BatchApp(RuntimeConfig({"bootstrap_servers": "127.0.0.1:1"}))


def test_a_faust_that_is_not_compiled_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faust.streams._CStreamIterator", None)

    with pytest.raises(SurfaceError, match=r"faust\.streams\._CStreamIterator is not compiled"):
        surface.check()


def test_a_module_that_is_gone_is_named() -> None:
    with pytest.raises(SurfaceError, match=r"faust\.transport\.elsewhere is gone"):
        surface.check(["faust.transport.elsewhere:Consumer"])
