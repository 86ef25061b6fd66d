"""Runs in Pyodide, on nothing but the release: `describe.py module:attribute [thorough]` imports the app, and
with `thorough` starts it and exercises what requests use.

Prints one JSON line: what the app says about itself and which modules the start asked for, or why the
app cannot be imported.
"""

import asyncio
import contextlib
import importlib
import importlib.util
import json
import os
import re
import signal
import sys
import traceback
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

FRAMES = 8  # of a traceback, the last
PATIENCE = 5  # seconds for each step of the app: on a busy machine, too, a start has to end the same way


class Hung(BaseException):
    """Whatever runs has had all the time that there is. Nobody catches it for something else."""


def interrupt(*_: Any) -> None:
    """A handler for SIGINT."""
    raise Hung


class Recorder:
    """A meta path finder that finds nothing and notes who is asked for, be it by import or just to see."""

    def __init__(self) -> None:
        self._asked: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:  # noqa: ARG002
        self._asked.add(name)

    def modules(self) -> list[str]:
        """All that was asked for or loaded before, but for what the interpreter has within itself."""
        specs = {name: getattr(module, "__spec__", None) for name, module in sys.modules.items()}
        frozen = {name for name, spec in specs.items() if getattr(spec, "origin", None) == "frozen"}
        return sorted((self._asked | specs.keys()) - frozen)


async def describe(host: Any, spec: str, loading: Any, *, thorough: bool) -> dict[str, Any]:
    module, attribute = spec.split(":")
    loaded = getattr(importlib.import_module(module), attribute)
    if not callable(loaded):
        return {"not_an_app": type(loaded).__name__}
    await loading
    wrapper = importlib.import_module("edge").Stateless
    app = loaded if isinstance(loaded, wrapper) else wrapper(loaded)  # as the hosts do
    static = {prefix: os.path.abspath(folder) for prefix, folder in app.static.items()}  # noqa: ASYNC240
    if thorough:
        await start(host, spec)
        await exercise(app)
    return {
        "placement": app.placement.to_manifest(),
        "optimistic": app.optimistic.to_manifest(),
        "public": sorted(app.shared & app.readable),
        "static": static,
    }


async def start(host: Any, spec: str) -> None:
    """The app's own start-up may need what is not here; all that it imports until then is of use."""

    async def unreachable(*_: Any) -> None:
        raise OSError("a build reaches nobody")

    services = SimpleNamespace(config="{}", publicFetch=unreachable, userFetch=unreachable)
    with contextlib.suppress(Exception):
        async with asyncio.timeout(PATIENCE):
            await host.start(spec, "browser", services)


async def exercise(app: Any) -> None:
    """A framework may have changed so far that ours no longer fit; the app is not to blame for that."""
    file = os.path.join(os.path.dirname(__file__), "exercise.py")
    spec: Any = importlib.util.spec_from_file_location("edgekit_exercise", file)
    module = importlib.util.module_from_spec(spec)
    with contextlib.suppress(Exception):
        spec.loader.exec_module(module)
        await module.exercise(app)


def path_of(error: BaseException) -> str:
    """The file or folder that an error complains about; empty if that is not known."""
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return os.path.relpath(error.filename)
    named = re.match(r"Directory '(.+)' does not exist", str(error))  # Starlette's StaticFiles
    return os.path.relpath(named[1]) if named else ""


def failure(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    lines = traceback.format_list(ours[-FRAMES:]) + traceback.format_exception_only(error)
    said = next(filter(None, map(str.strip, str(error).splitlines())), "")
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    headline = f"{name}: {said}" if said else name
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    known = missing is not None and missing.partition(".")[0] in sys.stdlib_module_names
    return {
        "error": "".join(lines).rstrip(),
        "headline": headline,
        "path": path_of(error),
        "missing": missing,
        "missing_from_stdlib": known,
        "hangs": isinstance(error, Hung),
        "waits": "a thread that ends this wait" in headline,
    }


async def report(recorder: Recorder, describing: Coroutine[Any, Any, dict[str, Any]]) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        try:
            result = await describing
            result["modules"] = recorder.modules()
        except BaseException as error:  # an app may even exit when it is imported
            result = failure(error)
    print(json.dumps(result), flush=True)  # noqa: T201 - that is the answer


def main(spec: str, *options: str) -> None:
    os.chdir("/app")
    signal.signal(signal.SIGINT, interrupt)
    # As browser/runtime.js sets it up; this program's own folder must not help.
    sys.path[:1] = ["/app", "/app-site/site.zip"]
    recorder = Recorder()
    sys.meta_path.insert(0, recorder)
    host = importlib.import_module("edge.hosts.fetch")  # the door through which JavaScript starts the app
    warmup: Any = importlib.import_module("edge.hosts.warmup")
    warmup.PATIENCE = PATIENCE
    thorough = "thorough" in options
    loading = host.load(spec, thorough)  # outside of any task, as from there
    asyncio.run(report(recorder, describe(host, spec, loading, thorough=thorough)))


if __name__ == "__main__":
    main(*sys.argv[1:])
