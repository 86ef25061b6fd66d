"""`edgekit serve` with real processes: killed, stopped, broken and changed under way."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import time
from pathlib import Path

import httpx2
import pytest

PATIENCE = 60  # seconds; far more than anything here takes on a machine that is not overloaded

APP = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from edge import Stateless, context


async def show(request):
    tea = await context(request).catalog.get("products", "tea")
    return PlainTextResponse(f"GREETING, {tea['name']}")


app = Stateless(Starlette(routes=[Route("/", show)]), anywhere=["/"])
"""


class TeaRoom:
    """A little app in a folder of its own."""

    spec = "tearoom.app:app"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "tearoom"
        (self.package / "catalog").mkdir(parents=True)
        (self.package / "__init__.py").touch()
        self.greet("Hello")
        self.publish("Assam")

    def greet(self, greeting: str) -> None:
        (self.package / "app.py").write_text(APP.replace("GREETING", greeting))

    def publish(self, name: str) -> None:
        (self.package / "catalog" / "products.json").write_text(json.dumps({"tea": {"name": name}}))


def children(pid: int) -> dict[int, str]:
    """Process id -> command line, of the living children of `pid`."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    return found


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return (Path(f"/proc/{pid}/stat")).read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def eventually(check, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)


def only_child(pid: int, module: str) -> int:
    """The process that runs `module`, once it is the only one: during a change-over there are two."""
    found: list[int] = []

    def alone() -> bool:
        found[:] = [number for number, command in children(pid).items() if f"-m {module} " in command]
        return len(found) == 1

    eventually(alone, f"one process runs {module}")
    return found[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def get(url: str) -> str:
    return httpx2.get(url, timeout=PATIENCE).text


def says(served, text: str):
    return lambda: get(served.url) == text


def logged(served, text: str):
    return lambda: text in served.log.read_text()


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return TeaRoom(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def served(serve, room, tmp_path_factory):
    """The tea room, running; tests change its sources and kill its processes, but never end it."""
    return serve(room.spec, room.folder, tmp_path_factory.mktemp("data"))


def test_when_it_is_ready_everything_answers(served):
    assert get(served.url) == "Hello, Assam"
    assert json.loads(get(f"{served.url}/_edge/health"))["status"] == "ok"
    manifest = json.loads(get(f"{served.url}/_edge/manifest.json"))
    assert (manifest["app"], manifest["mode"]) == ("tearoom.app:app", "development")
    assert get(f"{served.url}{manifest['roles']['kit']}service-worker.js").startswith("//")


def test_a_changed_handler_is_live_and_in_the_release(served, room):
    before = json.loads(get(f"{served.url}/_edge/manifest.json"))["release"]
    room.greet("Good morning")
    eventually(says(served, "Good morning, Assam"), "the edge answers with the new handler")
    eventually(
        lambda: json.loads(get(f"{served.url}/_edge/manifest.json"))["release"] != before,
        "the release holds the new handler",
    )
    room.greet("Hello")
    eventually(says(served, "Hello, Assam"), "the edge answers with the old handler again")


def test_a_changed_catalog_is_published(served, room):
    room.publish("Darjeeling")
    eventually(says(served, "Hello, Darjeeling"), "the new catalog arrives")
    room.publish("Assam")
    eventually(says(served, "Hello, Assam"), "the old catalog arrives")


def test_a_broken_source_is_reported_and_the_old_app_goes_on(served, room):
    (room.package / "app.py").write_text("import nonsense\n")
    eventually(logged(served, "the old one goes on"), "the failure is reported")
    assert "No module named 'nonsense'" in served.log.read_text()
    assert get(served.url) == "Hello, Assam"
    room.greet("Welcome back")
    eventually(says(served, "Welcome back, Assam"), "the repaired app is live")
    room.greet("Hello")
    eventually(says(served, "Hello, Assam"), "the first app is live")


@pytest.mark.parametrize("module", ["edge.serve.worker", "origin"])
def test_a_killed_process_comes_back_and_no_connection_is_refused(served, module):
    victim = only_child(served.process.pid, module)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: not alive(victim), "the process is gone")
    assert get(served.url) == "Hello, Assam"
    assert only_child(served.process.pid, module) != victim
    assert re.search(r"the \w+ ended \(signal 9\); starting it again in \d+ s", served.log.read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_and_the_next_start_is_as_before(serve, room, tmp_path, number):
    served = serve(room.spec, room.folder, tmp_path / "data", "--no-reload")
    family = children(served.process.pid)
    assert len(family) == 3, family  # edge, origin, and the guard of their process group
    served.process.send_signal(number)
    rest, _ = served.process.communicate(timeout=PATIENCE)
    assert (served.process.returncode, rest) == (0, "")
    assert [pid for pid in family if alive(pid)] == []
    again = serve(
        room.spec, room.folder, tmp_path / "data", "--no-reload", "--port", served.url.rpartition(":")[2]
    )
    assert again.url == served.url
    assert get(again.url) == "Hello, Assam"


def test_a_killed_supervisor_takes_its_children_along(serve, room, tmp_path):
    served = serve(room.spec, room.folder, tmp_path / "data", "--no-reload")
    family = children(served.process.pid)
    served.process.kill()
    served.process.wait()
    eventually(lambda: not any(map(alive, family)), "the children end")


def test_a_port_in_use_is_one_clear_sentence(serve, room, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = serve.start(room.spec, room.folder, tmp_path / "data", "--port", port)
        out, _ = process.communicate(timeout=PATIENCE)
    said = (tmp_path / "data" / "serve.log").read_text()
    assert (process.returncode, out) == (1, "")
    assert said == f"Port {port} on 127.0.0.1 is in use: end that program, or choose another with --port.\n"


def test_a_data_folder_in_use_is_one_clear_sentence(serve, served, room):
    process = serve.start(room.spec, room.folder, served.data)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")
    assert f"{served.data} is in use by another server" in served.log.read_text().splitlines()[-1]


def test_an_app_that_does_not_start_is_waited_for(serve, tmp_path):
    """Case N8: browsers get a page that says why, and no silence."""
    room = TeaRoom(tmp_path / "app")
    (room.package / "app.py").write_text("import nonsense\n\napp = 1\n")
    port = free_port()
    process = serve.start(room.spec, room.folder, tmp_path / "data", "--port", str(port))
    log = tmp_path / "data" / "serve.log"
    eventually(lambda: "waiting for a change" in log.read_text(), "it waits")
    answer = httpx2.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE)
    assert answer.status_code == 503
    assert "No module named &#x27;nonsense&#x27;" in answer.text
    assert "Unknown child process" not in log.read_text()  # case N10
    room.greet("Hello")
    assert process.stdout.readline().startswith("ready http://127.0.0.1:")
    assert get(f"http://127.0.0.1:{port}/") == "Hello, Assam"


def test_an_app_that_is_not_wrapped_is_told_so_at_once(serve, tmp_path):
    """Case N7."""
    room = TeaRoom(tmp_path / "app")
    bare = "from starlette.applications import Starlette\n\napp = Starlette()\n"
    (room.package / "app.py").write_text(bare)
    process = serve.start(room.spec, room.folder, tmp_path / "data", "--no-reload")
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")
    assert (
        "tearoom.app:app is of type Starlette and not wrapped: let it be edge.Stateless(app, anywhere=[…])."
        in (tmp_path / "data" / "serve.log").read_text()
    )


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("tearoom.app:ap", "tearoom.app has no attribute 'ap'; is it tearoom.app:app?"),
        ("tearom.app:app", "There is no package, module or folder 'tearom'"),
        ("tearoom", "'tearoom' does not name an app"),
    ],
)
def test_an_app_that_cannot_be_found_ends_it_at_once(serve, served, room, spec, sentence):
    """Cases N8 and N16: before the data folder is looked at, which is in use here."""
    before = len(served.log.read_text().splitlines())
    process = serve.start(spec, room.folder, served.data)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")
    [line] = served.log.read_text().splitlines()[before:]
    assert line.startswith(sentence)


def test_a_catalog_that_is_no_json_is_waited_for(serve, tmp_path):
    room = TeaRoom(tmp_path / "app")
    (room.package / "catalog" / "products.json").write_text("{")
    process = serve.start(room.spec, room.folder, tmp_path / "data")
    log = tmp_path / "data" / "serve.log"
    eventually(lambda: "failed: origin; waiting" in log.read_text(), "the catalog is refused")
    room.publish("Assam")
    url = process.stdout.readline().removeprefix("ready ").strip()
    assert get(url) == "Hello, Assam"


def test_what_breaks_while_it_runs_is_told_and_the_old_one_goes_on(served, room):
    """Cases H7 and N16."""
    failure = f"{served.url}/_edge/failure"
    assert httpx2.get(failure).status_code == 204
    (room.package / "catalog" / "products.json").write_text("{,}")
    eventually(lambda: "products.json" in get(failure), "the reason is told")
    assert get(served.url) == "Hello, Assam"
    room.publish("Assam")
    eventually(lambda: httpx2.get(failure).status_code == 204, "it is mended")
    (room.package / "app.py").write_text("app = = 1")
    eventually(lambda: "SyntaxError" in get(failure), "the reason is told")
    assert get(served.url) == "Hello, Assam"
    page = httpx2.get(served.url, headers={"sec-fetch-dest": "document"})
    assert page.status_code == 200
    room.greet("Hello")
    eventually(lambda: httpx2.get(failure).status_code == 204, "it is mended")


def test_an_import_that_hangs_is_given_up_when_the_source_changes(served, room):
    """Case H10."""
    source = (room.package / "app.py").read_text()
    (room.package / "app.py").write_text("import time\n\ntime.sleep(100_000)\n" + source)
    eventually(lambda: sleeping(served), "a new edge hangs")
    room.greet("Good evening")
    eventually(says(served, "Good evening, Assam"), "the mended source is live")
    room.greet("Hello")
    eventually(says(served, "Hello, Assam"), "and so is the next")


def sleeping(served) -> bool:
    edges = [
        command for command in children(served.process.pid).values() if "-m edge.serve.worker" in command
    ]
    return len(edges) == 2


def test_without_reload_an_app_that_does_not_start_is_an_error(serve, tmp_path):
    room = TeaRoom(tmp_path / "app")
    (room.package / "app.py").write_text("import nonsense\n\napp = 1\n")
    process = serve.start(room.spec, room.folder, tmp_path / "data", "--no-reload")
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (1, "")
    assert "No module named 'nonsense'" in (tmp_path / "data" / "serve.log").read_text()
