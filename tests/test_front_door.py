"""build.py: what it says, what it does not do twice, and how it fails."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[1] / "build.py"


@pytest.fixture
def door(tmp_path, monkeypatch):
    """build.py as a module, for a checkout in a temporary folder."""
    spec = importlib.util.spec_from_file_location("front_door", BUILD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, folder in {
        "ROOT": "",
        "VENV": ".venv",
        "BIN": ".venv/bin",
        "NODE_MODULES": "node_modules",
    }.items():
        monkeypatch.setattr(module, name, tmp_path / folder)
    (tmp_path / ".venv").mkdir()
    return module


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-I", str(BUILD), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("verb", ["serve", "build", "test", "bench", "clean"])
def test_help_names_every_verb_and_each_has_its_own(verb):
    assert f"\n    {verb} " in run("--help").stdout
    assert run(verb, "--help").returncode == 0


def test_an_unknown_group_is_named_with_those_that_exist():
    result = run("test", "unti")
    assert result.returncode == 1
    assert "There is no test group 'unti'; there are lint, unit" in result.stderr
    assert "Traceback" not in result.stderr


def test_serve_is_the_default_verb(door):
    assert door.parse([]).function is door.serve
    options = door.parse(["--port", "9000"])
    assert (options.function, options.port) == (door.serve, 9000)


def test_what_follows_two_dashes_is_for_pytest(door):
    options = door.parse(["test", "unit", "--", "-k", "cart"])
    assert (options.groups, options.pytest) == (["unit"], ["-k", "cart"])


def test_a_step_runs_once_for_the_same_inputs(door, tmp_path, capfd):
    ran = []
    for key in ("a", "a", "b"):
        door.step("A step", tmp_path / "stamp", key, lambda: ran.append(1))
    assert len(ran) == 2
    assert capfd.readouterr().err.count("· A step …") == 2


def test_a_step_that_failed_runs_again(door, tmp_path):
    def fail():
        raise door.Stop("no")

    for _ in range(2):
        with pytest.raises(door.Stop):
            door.step("A step", tmp_path / "stamp", "a", fail)
    ran = []
    door.step("A step", tmp_path / "stamp", "a", lambda: ran.append(1))
    assert ran


def test_a_failing_tool_is_quoted_and_followed_by_advice(door):
    script = "import sys; print('the reason', file=sys.stderr); sys.exit(3)"
    with pytest.raises(door.Stop, match=r"the reason\n.*failed\. Try harder\."):
        door.quiet([sys.executable, "-c", script], "Try harder.")


def test_a_python_without_venv_is_told_what_to_install(door, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(door.Stop, match=r"apt-get install python3\.\d+-venv"):
        door.make_environment()


def test_an_environment_is_made_anew_when_the_checkout_has_moved(door, monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(door, "quiet", lambda command, _: made.append(command))
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / ".venv/bin/python").touch()
    door.make_environment()
    door.make_environment()
    assert len(made) == 1
    monkeypatch.setattr(door, "ROOT", tmp_path / "elsewhere")
    door.make_environment()
    assert len(made) == 2


def test_a_node_that_is_too_old_is_not_used(door, tmp_path, monkeypatch):
    for name, text in {"node": "echo v18.20.0", "npm": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert door.find_node() is None
    (tmp_path / "node").write_text("#!/bin/sh\necho v22.1.0\n")
    assert door.find_node() == (tmp_path / "node", [str(tmp_path / "npm")])


def test_a_browser_that_does_not_exist_is_named(door, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(door.Stop, match="EDGEKIT_CHROMIUM names /nowhere/chromium"):
        door.find_chromium()


def test_only_one_installs_at_a_time(door, tmp_path):
    script = f"""
import runpy, pathlib
door = runpy.run_path({str(BUILD)!r})
door["alone"].__wrapped__.__globals__["ROOT"] = pathlib.Path({str(tmp_path)!r})
with door["alone"]():
    print("in")
"""
    with door.alone():
        other = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert "Waiting for another build.py" in other.stderr.readline()
        assert other.poll() is None
    out, _ = other.communicate(timeout=30)
    assert out == "in\n"


def test_an_interrupt_ends_the_tool_and_is_no_traceback():
    tool = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    script = f"""
import runpy, sys
door = runpy.run_path({str(BUILD)!r})
try:
    door["quiet"]([sys.executable, "-c", {tool!r}], "")
except KeyboardInterrupt:
    sys.exit(130)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "")


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupted_test_run_may_end_in_order(tmp_path, number, code):
    """Tests have servers running; killed at once they would leave them behind."""
    tool = f"""
import os, pathlib, signal, time
def interrupted(*_):
    time.sleep(0.5)
    pathlib.Path({str(tmp_path / "ended")!r}).touch()
    os._exit(2)
signal.signal(signal.SIGINT, interrupted)
os.kill(os.getppid(), signal.{number})
if "{number}" == "SIGINT":
    os.kill(os.getpid(), signal.SIGINT)
time.sleep(60)
"""
    script = f"""
import runpy, signal, sys
door = runpy.run_path({str(BUILD)!r})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    door["call"](sys.executable, "-c", {tool!r})
except KeyboardInterrupt:
    sys.exit(130)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stderr
    assert (tmp_path / "ended").exists()


def test_clean_removes_what_was_made_and_keeps_the_data(door, tmp_path, monkeypatch):
    for name in ("node_modules", "dist", "edge/__pycache__", "data", "edge"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    door.clean(door.parse(["clean"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "edge"]
    assert list((tmp_path / "edge").iterdir()) == []
    door.clean(door.parse(["clean", "--data"]))
    assert not (tmp_path / "data").exists()
