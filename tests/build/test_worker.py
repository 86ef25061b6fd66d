"""The scripts of the service worker: modules put together as classic scripts, run here by Node.js."""

from __future__ import annotations

import subprocess

import pytest

from edge.release.failure import BuildError
from edge.release.toolchain import find_node
from edge.release.worker import kit_script, pyodide_script

ENTRY = """\
import { join, LIMIT as MOST } from "./join.js";
import {
  Box,
  later,
} from "./box.js";

/** @param {import("./box.js").Box} box */
export async function serve(box = new Box()) {
  /* one line */
  const name =
    /** @type {string} */ ("hidden"); // http://a.test/*
  // */
  return join([box.name, await later(), name, String(MOST)]);
}
"""
JOIN = """\
import { later } from "./box.js";
export const LIMIT = 3;
const name = "join";
export function join(parts) {
  void later;
  return [name, ...parts].join();
}
"""
BOX = """\
const name = "box";
export class Box {
  name = name;
}
export async function later() {
  return "later";
}
export function* numbers() {}
"""


@pytest.fixture
def script(tmp_path):
    """`script(files)`: what their worker is made of, beginning with entry.js."""

    def run(files):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        return kit_script(tmp_path, "entry.js")

    return run


def said(script, expression):
    program = f"{script}\nPromise.resolve({expression}).then(console.log)"
    node = [find_node(), "--input-type=commonjs", "-"]
    done = subprocess.run(node, input=program, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_modules_become_one_script_and_keep_their_names_to_themselves(script):
    made = script({"entry.js": ENTRY, "join.js": JOIN, "box.js": BOX})
    assert said(made, "edgekit.serve()") == "join,box,later,hidden,3"
    assert said(made, "typeof join + typeof name + Object.keys(edgekit)") == "undefinedundefinedserve"
    assert made.count("class Box") == 1
    assert "@param" not in made
    assert "one line" not in made


def test_the_same_modules_make_the_same_script(script):
    files = {"entry.js": ENTRY, "join.js": JOIN, "box.js": BOX}
    assert script(files) == script(dict(reversed(files.items())))


@pytest.mark.parametrize(
    "line",
    [
        'import box from "./box.js";',
        'import * as box from "./box.js";',
        'import { Box } from "../box.js";',
        "export let count = 0;",
        "export { Box };",
        "export default 1;",
    ],
)
def test_other_ways_to_write_a_module_are_refused(script, line):
    with pytest.raises(BuildError, match=r"entry\.js: the build cannot read"):
        script({"entry.js": f"{line}\n", "box.js": BOX})


def test_modules_that_import_each_other_are_refused(script):
    other = 'import { serve } from "./entry.js";\nexport const other = serve;\n'
    entry = 'import { other } from "./other.js";\nexport const serve = other;\n'
    with pytest.raises(BuildError, match=r"entry\.js imports other\.js imports entry\.js"):
        script({"entry.js": entry, "other.js": other})


def test_another_pyodide_than_the_known_one_is_refused(tmp_path):
    for name in ("pyodide.mjs", "pyodide.asm.mjs"):
        (tmp_path / name).write_text("export default 1;")
    with pytest.raises(BuildError, match="is not the one that this kit knows"):
        pyodide_script(tmp_path)


def test_the_worker_of_a_release_is_two_classic_scripts(shop):
    for role, has in (("engine", ("loadPyodide", "createPyodideModule")), ("worker", ("serve",))):
        script = shop.file(role).read_text("utf-8")
        name = {"engine": "pyodide", "worker": "edgekit"}[role]
        assert said(script, f"Object.keys({name})").replace("'", "") == f"[ {', '.join(has)} ]"
