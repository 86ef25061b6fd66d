// @ts-check
/**
 * Pyodide as a `python` command, for the build: `python.js --pyodide DIR [--stdlib ZIP] [--copy FROM:TO]…
 * [--unpack ZIP:FOLDER]… [--limit SECONDS] (-c CODE | -m MODULE | FILE | -) [ARGUMENT]…`. The exit status is Python's.
 *
 * The program sees the machine's folders under their own names, unless --copy is given: then it sees only
 * what is copied and unpacked for it, as in a browser. With --limit it is interrupted (SIGINT) when it has worked for so
 * long, or has been there for three times as long.
 */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { unzip } from "../unzip.js";

/** @typedef {[from: string, to: string]} Pair */
/** @typedef {{pyodide: string, stdlib?: string, copies: Pair[], zips: Pair[], limit: number, words: string[]}} Options */

// Emscripten's own folders; a machine's must not cover them.
const OWN = new Set(["dev", "lib", "proc", "sys"]);

const MAIN = `
waiting = []  # what a program has left to asyncio.run: here nothing can block until it is done

def main(words, executable):
    import asyncio, os, sys
    asyncio.run = waiting.append
    sys.executable = sys._base_executable = executable
    how, rest = words[0], words[1:]
    try:
        if how == "-m":
            import runpy
            sys.argv = rest
            sys.path.insert(0, os.getcwd())
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            if how == "-c":
                code, name, sys.argv = rest[0], "<string>", ["-c", *rest[1:]]
            elif how == "-":
                code, name, sys.argv = sys.stdin.read(), "<stdin>", words
            else:
                with open(how, "rb") as file:
                    code, name, sys.argv = file.read(), how, words
            sys.path.insert(0, os.path.dirname(os.path.abspath(how)) if name == how else "")
            exec(compile(code, name, "exec"), {"__name__": "__main__", "__file__": name})
    except SystemExit as exit:
        if exit.code is None or isinstance(exit.code, int):
            return exit.code or 0
        print(exit.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0

main
`;

/**
 * Python's own switches (`-I`, `-B`, `-X name`, …) have no meaning here and are passed over.
 *
 * @param {string[]} words @returns {Options}
 */
function parse(words) {
  const rest = [...words];
  const next = () => rest.shift() ?? "";
  /** @type {Options} */
  const options = { pyodide: "", copies: [], zips: [], limit: Number.POSITIVE_INFINITY, words: [] };
  while (rest.length > 0) {
    const word = next();
    if (word === "--pyodide") options.pyodide = next();
    else if (word === "--stdlib") options.stdlib = next();
    else if (word === "--limit") options.limit = Number(next());
    else if (word === "--copy" || word === "--unpack") {
      const pair = next();
      const colon = pair.lastIndexOf(":");
      options[word === "--copy" ? "copies" : "zips"].push([pair.slice(0, colon), pair.slice(colon + 1)]);
    } else if (word === "-W" || word === "-X") next();
    else if (["-c", "-m", "-"].includes(word) || !word.startsWith("-")) {
      options.words = [word, ...rest];
      break;
    }
  }
  return options;
}

/** @param {any} FS */
function showMachine(FS) {
  for (const name of fs.readdirSync("/")) {
    const folder = `/${name}`;
    if (OWN.has(name) || !fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    FS.mkdirTree(folder);
    FS.mount(FS.filesystems.NODEFS, { root: folder }, folder);
  }
  FS.chdir(process.cwd());
}

/** @param {string} file */
const read = (file) => new Uint8Array(fs.readFileSync(file)); // Pyodide does not take a Buffer

/** @param {any} FS @param {string} file @param {Uint8Array} content */
function place(FS, file, content) {
  FS.mkdirTree(path.posix.dirname(file));
  FS.writeFile(file, content);
}

/** @param {number} descriptor */
function writer(descriptor) {
  // Raw bytes: Pyodide's line-wise output would keep back a last line that has no end.
  return { write: (/** @type {Uint8Array} */ data) => fs.writeSync(descriptor, data) };
}

/**
 * Where Python looks for interrupts, every few instructions. There is no other thread to put one there, so it is found
 * by looking at the time: that of the processor, for machines are busy, and the clock's, for sleeping is no work.
 *
 * @param {number} limit   seconds
 */
function interruptAfter(limit) {
  let [looks, busy, here] = [0, limit * 1e6, performance.now() + limit * 3_000];
  return {
    get 0() {
      const isBusy = ++looks % 256 === 0 && process.cpuUsage().user >= busy;
      if (!isBusy && performance.now() < here) return 0;
      [busy, here] = [busy + 5e6, performance.now() + 15_000]; // time to say where it was
      return os.constants.signals.SIGINT;
    },
    set 0(_) {}, // Python takes it back
  };
}

/** @param {Options} options @returns {Promise<number>} */
async function run({ pyodide: folder, stdlib, copies, zips, limit, words }) {
  const { loadPyodide } = await import(pathToFileURL(path.join(folder, "pyodide.mjs")).href);
  const isolated = copies.length > 0;
  const pyodide = await loadPyodide({
    stdLibURL: stdlib,
    env: isolated ? { HOME: "/home/pyodide", PYTHONDONTWRITEBYTECODE: "1" } : { .../** @type {object} */ (process.env) },
  });
  pyodide.setStdout(writer(1));
  pyodide.setStderr(writer(2));
  if (!isolated) showMachine(pyodide.FS);
  for (const [from, to] of copies) place(pyodide.FS, to, read(from));
  for (const [from, to] of zips) for (const [name, file] of unzip(read(from))) place(pyodide.FS, `${to}/${name}`, file);
  if (Number.isFinite(limit)) pyodide.setInterruptBuffer(interruptAfter(limit));
  const executable = process.env.EDGEKIT_PYTHON ?? process.argv[1] ?? "";
  const status = pyodide.runPython(MAIN)(pyodide.toPy(words), executable);
  for (const coroutine of pyodide.globals.get("waiting")) await coroutine;
  return status;
}

try {
  process.exit(await run(parse(process.argv.slice(2)))); // also if the program has left a timer behind
} catch (error) {
  // An uncaught error of Pyodide would print its whole minified source.
  const message = error instanceof Error ? error.message : String(error);
  fs.writeSync(2, `${message.slice(-4000)}\n`);
  process.exitCode = 1;
}
