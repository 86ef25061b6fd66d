"""The scripts that the service worker consists of: classic ones, made of modules of Pyodide and of the kit.

Engines keep compiled code with a classic service worker, but not with the modules of one: compiling these
anew took a fifth of a start from a snapshot. There are two scripts because Pyodide changes more rarely.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .cache import Cache, digest
from .failure import BuildError
from .toolchain import BROWSER, Toolchain

IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([\w-]+\.js)";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function\*? |const |class )(\w+)", re.MULTILINE)
# Lines of nothing else.
COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/[ \t]*)\n", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)

IS_CLASSIC = 'try{return globalThis.importScripts("data:text/javascript,"),!0}catch{return!1}'
# Passages of Pyodide's modules, each of which stands there once, and what takes their place.
LOADER = {
    "export{dt as loadPyodide,U as version};\n//# sourceMappingURL=pyodide.mjs.map": "return dt;",
    IS_CLASSIC: "return!1",  # it refuses to run where modules could not be imported
}
FACTORY = {
    "export default _createPyodideModule;": "return _createPyodideModule;",
    IS_CLASSIC: "return!1",
    # Service workers report who listens so late, and where: to tell the place, all of this is parsed again.
    "else if(globalThis.addEventListener){var __setImmediate_id_counter": (
        "else if(globalThis.document){var __setImmediate_id_counter"
    ),
    # As they do for shared memory without isolation. Only Node waits with it.
    "var io=new Int32Array(new WebAssembly.Memory({shared": (
        "var io=h.IN_NODE&&new Int32Array(new WebAssembly.Memory({shared"
    ),
    # 260 functions of JavaScript become functions of WebAssembly. One module for each signature is enough,
    # and no exception has to say each time that this is not WebAssembly yet.
    "var module=new WebAssembly.Module(bytes);": (
        "var module=(convertJsFunctionToWasm.made??={})[sig]??=new WebAssembly.Module(bytes);"
    ),
    "try{setWasmTableEntry(ret,func)}catch(err){if(!(err instanceof TypeError)){throw err}"
    "var wrapped=convertJsFunctionToWasm(func,sig);setWasmTableEntry(ret,wrapped)}": (
        "setWasmTableEntry(ret,sig?convertJsFunctionToWasm(func,sig):func);"
    ),
}


def engine(toolchain: Toolchain) -> Path:
    """Pyodide's script, in the cache: `const pyodide`, with `loadPyodide` and `createPyodideModule`."""
    return _kept(pyodide_script(toolchain.pyodide), toolchain.cache)


def worker(cache: Cache) -> Path:
    """The kit's script, in the cache: `const edgekit`, with `serve`."""
    return _kept(kit_script(BROWSER, "service-worker.js"), cache)


def pyodide_script(folder: Path) -> str:
    """The script for the npm package in `folder`; raises `BuildError` if it is not the one that is known."""
    made = {
        "loadPyodide": _changed(folder / "pyodide.mjs", LOADER),
        "createPyodideModule": _changed(folder / "pyodide.asm.mjs", FACTORY),
    }
    return _script("pyodide", made, f"{{ {', '.join(made)} }}")


def kit_script(folder: Path, entry: str) -> str:
    """The script for the module `entry` and all that it imports; it has what `entry` exports.

    Knows the syntax that the kit's own modules keep to; raises `BuildError` for any other.
    """
    sources: dict[str, str] = {}
    _collect(folder, entry, sources, ())
    bodies = {_variable(name): _body(name, source) for name, source in sources.items()}
    return _script("edgekit", bodies, _variable(entry))


def _script(name: str, bodies: Mapping[str, str], result: str) -> str:
    """Functions that are called once, so that what a module declares stays within it."""
    parts = "".join(f"const {part} = (() => {{\n{body}\n}})();\n" for part, body in bodies.items())
    return f'"use strict";\nconst {name} = (() => {{\n{parts}return {result};\n}})();\n'


def _changed(file: Path, changes: Mapping[str, str]) -> str:
    module = file.read_text("utf-8")
    for passage, instead in changes.items():
        if module.count(passage) != 1:
            raise BuildError(f"{file} is not the one that this kit knows.", passage)
        module = module.replace(passage, instead)
    # Serves to find other files, all of which are handed over instead.
    return module.replace("import.meta.url", "location.href")


def _collect(folder: Path, name: str, sources: dict[str, str], within: tuple[str, ...]) -> None:
    """Put a module behind those that it imports."""
    if name in within:
        raise BuildError(f"{' imports '.join((*within, name))}: they would have to come before each other.")
    if name not in sources:
        source = (folder / name).read_text("utf-8")
        for _, other in IMPORT.findall(source):
            _collect(folder, other, sources, (*within, name))
        sources[name] = source


def _body(name: str, source: str) -> str:
    def bound(match: re.Match[str]) -> str:
        return f"const {match[1].replace(' as ', ': ')} = {_variable(match[2])};"

    exported = ", ".join(match[2] for match in EXPORT.finditer(source))
    body = COMMENT.sub("", EXPORT.sub(r"\1\2", IMPORT.sub(bound, source)))
    if other := OTHER.search(body):
        raise BuildError(f"{name}: the build cannot read {other[0]!r}; write it as the other modules do.")
    return f"{body}return {{ {exported} }};"


def _variable(module: str) -> str:
    return "$" + re.sub(r"\W", "_", module.removesuffix(".js"))


def _kept(script: str, cache: Cache) -> Path:
    return cache.data("worker", digest(script), script.encode)[0]
