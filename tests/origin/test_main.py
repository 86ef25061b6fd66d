"""`python -m origin` as a process: killed, stopped, and told off."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

import origin
from edge.tokens import mint_assertion, open_revocations
from edge.types import Principal
from edge.wire import decode_outcome, encode_commit
from origin.__main__ import main
from origin.keys import load_own

pytestmark = pytest.mark.anyio


class Process:
    """An origin on a socket that outlives it, as under a supervisor."""

    def __init__(self, folder: Path, listener: socket.socket, *options: str) -> None:
        arguments = [
            "--data",
            folder / "data",
            "--keys",
            folder / "keys.json",
            "--catalog",
            folder / "catalog",
            *options,
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "origin", *map(str, arguments), "--fd", str(listener.fileno())],
            cwd=Path(origin.__file__).parents[1],
            pass_fds=[listener.fileno()],
        )

    def stop(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self._process.wait()


@pytest.fixture
def folder(tmp_path, public_keys):
    (tmp_path / "keys.json").write_text(json.dumps(public_keys))
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "teas.json").write_text('{"assam": {"name": "Assam"}}')
    return tmp_path


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def start(folder, listener):
    processes = []

    def start(*options: str) -> Process:
        processes.append(Process(folder, listener, *options))
        return processes[-1]

    yield start
    for process in processes:
        process.stop(signal.SIGKILL)


@pytest.fixture
async def network(listener):
    port = listener.getsockname()[1]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


@pytest.fixture
def call(network, signer):
    async def call(method, target, body=b"", key=""):
        token = await mint_assertion(signer, Principal("ann"), method, target, body, key, time.time)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
        return await network.request(method, target, content=body, headers=headers)

    return call


async def test_kill_9_under_load_loses_nothing_and_doubles_nothing(start, call, make_commit):
    commits = {f"client-1.{n:08}": make_commit({f"cups/{n:08}": {"n": n}}) for n in range(400)}
    waiting, acknowledged = iter(commits), []
    process = start()

    async def work() -> None:
        for key in waiting:
            try:
                response = await call("POST", "/commit", encode_commit(commits[key]), key)
            except httpx2.TransportError:
                return
            assert response.status_code == 200
            acknowledged.append(key)
            if len(acknowledged) == 100:
                assert process.stop(signal.SIGKILL) == -signal.SIGKILL
                start()

    await asyncio.gather(*(work() for _ in range(16)))
    assert len(acknowledged) >= 100
    for key in acknowledged:
        assert (await call("GET", f"/records/user/cups/{key[-8:]}")).status_code == 200
    for key, commit in commits.items():
        outcome = decode_outcome((await call("POST", "/commit", encode_commit(commit), key)).content)
        assert outcome.response == commit.response
        assert outcome.replayed or key not in acknowledged
    page = (await call("GET", "/records/user/cups?limit=200&after=00000199")).json()
    assert [item["version"] for item in page["items"]] == [1] * 200


async def test_sigterm_closes_the_database(start, network, folder):
    process = start()
    response = await network.get("/catalog/teas")
    assert response.json()["items"] == {"assam": {"name": "Assam"}}
    assert "server" not in response.headers
    assert process.stop(signal.SIGTERM) == 0
    files = {file.name for file in (folder / "data").iterdir()}
    assert files == {"origin.db", "origin.lock", "origin-private.json", "origin-public.json"}


async def test_everybody_is_signed_out_who_signed_in_before(start, network, folder, signer):
    process = start("--signed-in-since", "2026-03-31T12:00:00+02:00")
    token = (await network.get("/revocations")).text
    own = load_own(folder / "data", time.time, time.monotonic)
    assert (await open_revocations(token, own, time.time())).floor == 1_774_951_200
    process.stop(signal.SIGTERM)
    start("--signed-in-since", "2026-03-30")
    token = (await network.get("/revocations")).text
    assert (await open_revocations(token, own, time.time())).floor == 1_774_951_200


def run(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return exit_.value.code, output.out + output.err


@pytest.fixture(autouse=True)
def _restore_sigterm():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_help_names_every_option(capsys):
    code, output = run(capsys, "--help")
    assert code == 0
    options = (
        "--data",
        "--keys",
        "--signed-in-since",
        "--catalog",
        "--host",
        "--port",
        "--fd",
        "--log-level",
    )
    for option in options:
        assert option in output


def test_what_it_cannot_start_with_is_named_in_one_line(capsys, folder, store):
    good = ("--data", folder / "new", "--keys", folder / "keys.json")
    (folder / "catalog" / "cups.json").write_text("[]")
    for arguments, reason in [
        ((*good, "--keys", folder / "missing.json"), "missing.json"),
        ((*good, "--catalog", folder / "catalog"), "cups.json: not an object"),
        ((*good, "--data", folder / "data"), "in use by another origin process"),
        ((*good, "--data", folder / "keys.json"), "cannot open"),
        ((*good, "--fd", 999), "Bad file descriptor"),
    ]:
        code, output = run(capsys, *arguments)
        assert code == 1
        assert output.startswith("origin: ")
        assert reason in output
        assert output.count("\n") == 1
