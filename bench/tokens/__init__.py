"""CPU time of the tokens of a request, on CPython and on Pyodide, beside SessionMiddleware and itsdangerous.

A request that a bound user sends to an edge costs: open the session, verify the proof of the device, sign
the assertion for the origin. Starlette's SessionMiddleware reads and signs its cookie anew with HMAC-SHA-1;
what it keeps can be read by everybody, copied, and not be revoked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from edge.release.toolchain import find_node, find_pyodide

ROOT = Path(__file__).parents[2]
WORK = Path(__file__).with_name("work.py")
REFUSAL_LIMIT = 5_000  # µs of CPU that refusing ten megabytes may take


def measured(host: str, rounds: int) -> dict[str, dict[str, float]]:
    """What work.py prints: {"µs": {case: CPU time}, "bytes": {token: size}}."""
    command = [sys.executable, "-P", str(WORK)]
    if host == "pyodide":
        node = find_node()
        command = [str(node), "browser/node/python.js", "--pyodide", str(find_pyodide(node, ROOT)), str(WORK)]
    arguments = [str(rounds), str(ROOT), sysconfig.get_path("purelib")]
    done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def run(rounds: int = 7) -> Iterator[tuple[str, float, str]]:
    native, pyodide = measured("native", rounds), measured("pyodide", rounds)
    for host, found in (("CPython", native), ("Pyodide", pyodide)):
        for what, microseconds in found["µs"].items():
            yield f"{host}: {what}", microseconds, "µs CPU"
    for token, size in native["bytes"].items():
        yield f"{token} token", size, "bytes"
    for host, found in (("native", native), ("pyodide", pyodide)):
        times = found["µs"]
        yield f"{host}_open_session_vs_itsdangerous", times["itsdangerous"] / times["open session"], "ratio"
        yield f"{host}_request_vs_session_middleware", times["SessionMiddleware"] / times["request"], "ratio"
        yield f"{host}_refuse_10_mb_vs_5_ms", REFUSAL_LIMIT / times["refuse 10 MB"], "ratio"
    yield "pyodide_vs_native_request", native["µs"]["request"] / pyodide["µs"]["request"], "ratio"
