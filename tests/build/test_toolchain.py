"""What the tools of a build get to see of the environment (case T12)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.release import toolchain
from edge.release.cache import Cache
from edge.release.toolchain import seen_by_tools


def test_what_tools_need_and_nothing_else():
    needed = {
        "PATH",
        "HOME",
        "LC_ALL",
        "UV_INDEX_URL",
        "https_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "NODE_OPTIONS",
    }
    secret = {"EDGEKIT_KEYS", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "PYPI_TOKEN", "PYTHONPATH", "MY_PATH"}
    assert set(seen_by_tools(dict.fromkeys(needed | secret, "x"))) == needed


@pytest.mark.parametrize("verb", ["python", "uv"])
def test_no_tool_sees_a_secret(tmp_path, monkeypatch, verb):
    monkeypatch.setenv("SOME_PASSWORD", "hunter2")
    seen = {}
    monkeypatch.setattr(toolchain, "run", lambda command, *, cwd, env: seen.update(env) or done)
    done = type("Done", (), {"returncode": 0})()
    tools = toolchain.Toolchain(*map(Path, ("node", "pyodide", "uv", "launcher")), Cache(tmp_path))
    if verb == "uv":
        tools.uv_pip("install", env={"CC": "false"})
    else:
        tools.python(Path("program.py"), env={"CC": "false"})
    assert seen["PATH"] == os.environ["PATH"]
    assert seen["CC"] == "false"
    assert "SOME_PASSWORD" not in seen
