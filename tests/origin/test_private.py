"""What an origin keeps, only its owner can read, without a umask and where it was open (case T8)."""

import stat
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from edge.keys import load_or_create
from origin.database import open_reader

FILES = ("origin.db", "origin.db-wal", "origin.db-shm", "origin.lock", "origin-private.json")


def modes(folder):
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


@contextmanager
def origin(folder, keys):
    """A running origin that was started without a umask."""
    command = [
        sys.executable,
        "-m",
        "origin",
        "--data",
        folder,
        "--keys",
        keys / "edge-public.json",
        "--port",
        "0",
    ]
    process = subprocess.Popen(
        [*map(str, command), "--log-level", "info"], stderr=subprocess.PIPE, text=True, umask=0
    )
    try:
        for line in process.stderr:
            if "running on" in line:
                break
        yield
    finally:
        process.terminate()
        process.communicate()


def run(module, *options):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, options)],
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("before", ["nothing", "open to all"])
def test_only_the_owner_can_read_what_is_kept(tmp_path, before):
    folder, keys = tmp_path / "data", tmp_path / "keys"
    load_or_create(keys)
    if before == "open to all":
        with origin(folder, keys):
            pass
        for path in (*folder.iterdir(), folder):
            path.chmod(0o777 if path.is_dir() else 0o666)
    with origin(folder, keys), closing(open_reader(folder / "origin.db")) as reader:
        assert reader.execute("SELECT count(*) FROM record").get == 0
        found = modes(folder)
        assert {found[name] for name in FILES} == {"0o600"}
        assert set(found.values()) <= {"0o600", "0o644", "0o666"}
        assert {name for name, mode in found.items() if mode != "0o600"} <= {"origin-public.json"}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_copies_are_as_private(tmp_path):
    folder, keys = tmp_path / "data", tmp_path / "keys"
    load_or_create(keys)
    with origin(folder, keys):
        pass
    assert run("origin.backup", "--data", folder, "--to", tmp_path / "copy.db").returncode == 0
    assert run("origin.dump", "--data", folder, "--to", tmp_path / "all.jsonl").returncode == 0
    assert (tmp_path / "all.jsonl").read_text() == run("origin.dump", "--data", folder).stdout
    assert run("origin.dump", "--data", folder, "--to", tmp_path / "all.jsonl").returncode != 0
    found = modes(tmp_path)
    assert (found["copy.db"], found["all.jsonl"]) == ("0o600", "0o600")
