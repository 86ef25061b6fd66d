"""Stand-ins for servers: they can be imported and named, and nothing more."""

from __future__ import annotations

import importlib
import sys

import pytest

from edge.errors import NeedsEdge
from edge.hosts import late


@pytest.fixture(autouse=True)
def absent(tmp_path, monkeypatch):
    """A host whose release has been built without two servers."""
    (tmp_path / "absent.txt").write_text("teaserver\nothers")
    monkeypatch.setattr(late, "ABSENT", tmp_path / "absent.txt")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    late.install()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("teaserver", "others")]:
        del sys.modules[name]


def test_importing_one_is_harmless():
    """Cases P7 and P29: an app that says `import uvicorn` at its top."""
    module = importlib.import_module("teaserver")
    workers = importlib.import_module("teaserver.workers.fast")
    assert workers.__name__ == "teaserver.workers.fast"
    assert isinstance(module.Config, type)

    class Worker(workers.Worker):
        """As a settings file derives one."""

    assert Worker.__bases__[0].__module__ == "teaserver.workers.fast"


@pytest.mark.parametrize(
    "use", [lambda it: it.run("app"), lambda it: it.Server.make(1), lambda it: it.Config()]
)
def test_using_one_needs_an_edge(use):
    with pytest.raises(NeedsEdge, match="teaserver"):
        use(importlib.import_module("teaserver"))


def test_what_everything_may_be_asked_for_is_not_there():
    """`inspect` and the like look for names in two underscores, and believe what they find."""
    module = importlib.import_module("others")
    assert not hasattr(module, "__wrapped__")
    assert not hasattr(module.Server, "__wrapped__")


def test_other_modules_are_still_missing():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("teaserver2")


def test_installing_twice_leaves_one():
    before = len(sys.meta_path)
    late.install()
    assert len(sys.meta_path) == before
