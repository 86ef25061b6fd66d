"""What needs threads, processes, sockets or time that an interpreter in WebAssembly does not have."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from edge.conformance import Case

from .conftest import native

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def alone():
    spec = importlib.util.spec_from_file_location("alone", HERE / "apps" / "alone.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(build_release):
    """The release of the app."""
    return build_release("alone:app", HERE / "apps", "--include", "alone.txt")


@pytest.fixture(scope="module")
def ask(built):
    """`ask("browser", paths)`: what that host makes of each; None where it escalates."""

    def answers(host, paths):
        command = ["node", str(HERE / "ask.mjs"), str(built), host, *paths]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return dict(zip(paths, json.loads(done.stdout.splitlines()[-1]), strict=True))

    return answers


def test_a_wait_that_nobody_can_end_is_an_edges(ask, alone):
    """Case P24: at once, however it is spelled, and whoever swallows the exception."""
    paths = [f"/{how}/{way}" for how in ("task", "thread", "swallowed") for way in alone.ENDLESS]
    assert ask("browser", paths) == dict.fromkeys(paths)


def test_at_an_edge_in_webassembly_such_a_wait_is_a_problem(ask, alone):
    """Case P24: there it used to take the whole processor for ever."""
    paths = [f"/{how}/{way}" for how in ("task", "thread") for way in alone.ENDLESS]
    for path, (status, body, *_) in ask("edge", paths).items():
        assert (status, json.loads(body)["code"]) == (503, "needs-edge"), path


def test_what_only_an_edge_has_is_an_edges(ask, alone):
    """Cases P4, P26."""
    paths = [f"/{how}/{way}" for how in ("task", "thread", "swallowed") for way in alone.ABSENT]
    assert ask("browser", paths) == dict.fromkeys(paths)


@pytest.mark.parametrize("host", ["browser", "edge"])
def test_what_ends_by_itself_is_answered_as_on_cpython(ask, alone, host):
    paths = [f"/{how}/{way}" for how in ("task", "thread") for way in alone.FINE]
    told = {path: body for path, (_, body, *_) in ask(host, paths).items()}
    assert told == {path: repr(alone.FINE[path.rpartition("/")[2]]()) for path in paths}


def test_at_an_edge_in_webassembly_a_second_loop_does_not_take_the_place_of_the_first(ask):
    """Case P26: it used to, and nothing was answered any more."""
    told = ask("edge", ["/task/run", "/task/loop", "/thread/own-loop", "/"])
    assert [status for status, *_ in told.values()] == [503, 503, 503, 200]


@pytest.mark.parametrize("host", ["browser", "edge"])
def test_parts_of_a_generator_that_blocks_are_passed_on_one_by_one(ask, host):
    """Case P20: they used to arrive all at once, when the last was made."""
    assert ask(host, ["/parts"])["/parts"][:3] == [200, "part 0\npart 1\npart 2\n", 3]


@pytest.mark.parametrize("path", ["/file", "/files/alone.txt"])
def test_a_file_of_the_release_has_the_same_tag_and_time_on_every_host(ask, built, send, path):
    """Case P35."""
    with native("alone:app", HERE / "apps", built) as url:
        answer = send(url, Case("", "GET", path))
    stamp = [answer.headers["etag"], answer.headers["last-modified"]]
    assert ask("edge", [path])[path][3] == ask("browser", [path])[path][3] == stamp
