"""`edgekit serve` of the shop: until it is ready, and until a changed handler is live everywhere."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, float]]:
    """The URL of a running shop, and the seconds until it was ready."""
    command = [str(Path(sys.executable).with_name("edgekit")), "serve", "shop.app:app", "--port", "0"]
    options = ["--app-dir", str(folder), "--data", str(folder / "data")]
    began = time.perf_counter()
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.removeprefix("ready ").strip(), time.perf_counter() - began
        finally:
            process.terminate()


def seconds_until(check: Callable[[], bool]) -> float:
    began = time.perf_counter()
    while not check():
        time.sleep(0.02)
    return time.perf_counter() - began


def run() -> Iterator[tuple[str, float, str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(EXAMPLES / "shop", folder / "shop")
        with serving(folder) as (_, seconds):
            yield "ready, new data folder", seconds, "s"
        with serving(folder) as (url, seconds):
            yield "ready, nothing changed", seconds, "s"
            module = folder / "shop" / "products.py"
            changed = module.read_text("utf-8") + "\nprint('changed')\n"
            before = httpx2.get(f"{url}/_edge/manifest.json").json()["release"]
            module.write_text(changed, "utf-8")
            live = seconds_until(lambda: httpx2.get(f"{url}/_edge/manifest.json").json()["release"] != before)
            yield "a changed handler is in the release", live, "s"
