"""Runs in Pyodide, on nothing but the release: `describe.py module:attribute` imports the app.

Prints one JSON line: what the app says about itself, or why it cannot be imported.
"""

import contextlib
import importlib
import json
import os
import shutil
import sys
import traceback
from typing import Any

FRAMES = 8  # of a traceback, the last


def describe(module: str, attribute: str) -> dict[str, Any]:
    importlib.import_module("edge.hosts.fetch")  # the door through which JavaScript starts the app
    loaded = getattr(importlib.import_module(module), attribute)
    if not callable(loaded):
        return {"not_an_app": type(loaded).__name__}
    wrapper = importlib.import_module("edge").Stateless
    app = loaded if isinstance(loaded, wrapper) else wrapper(loaded)  # as the hosts do
    static = {prefix: os.path.abspath(folder) for prefix, folder in app.static.items()}
    return {"placement": app.placement.to_manifest(), "static": static}


def failure(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    lines = traceback.format_list(ours[-FRAMES:]) + traceback.format_exception_only(error)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    known = missing is not None and missing.partition(".")[0] in sys.stdlib_module_names
    return {"error": "".join(lines).rstrip(), "missing": missing, "missing_from_stdlib": known}


def main(target: str) -> None:
    shutil.unpack_archive("/release/app.zip", "/app", "zip")
    os.chdir("/app")
    # As browser/runtime.js sets it up; this program's own folder must not help.
    sys.path[:1] = ["/app", "/release/site.zip"]
    with contextlib.redirect_stdout(sys.stderr):
        try:
            result = describe(*target.split(":"))
        except BaseException as error:  # an app may even exit when it is imported
            result = failure(error)
    print(json.dumps(result))  # noqa: T201 - that is the answer


if __name__ == "__main__":
    main(sys.argv[1])
