"""The command `edgekit`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, arguments
from .cross_origin import origin_of

if TYPE_CHECKING:
    from .release import Step

EPILOG = "The app's package is public: everything in it but tests, dotfiles and a catalog folder is shipped."
VERIFY_EPILOG = "Scenarios, findings and replays are described in docs/verification.md."


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="edgekit", description="One ASGI app on browser, edge and origin.")
    top.add_argument("--version", action="version", version=f"edgekit {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="verb", required=True)

    serve = verbs.add_parser("serve", help="run origin, edge and browser release; reload on changes")
    arguments.app(serve)
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port", type=arguments.port, default=8000, help="0 picks a free one (default: %(default)s)"
    )
    serve.add_argument(
        "--data", type=Path, default=Path("data"), help="for database, keys, release (default: data)"
    )
    arguments.edges(serve)
    arguments.address(serve)
    arguments.contents(serve)
    serve.add_argument("--no-reload", action="store_true", help="do not watch the sources")

    arguments.edge_verb(verbs)

    verify = verbs.add_parser(
        "verify",
        help="kill, cut and repeat while users work, then judge what is stored",
        epilog=VERIFY_EPILOG,
    )
    arguments.app(verify)
    arguments.verification(verify)

    build = verbs.add_parser("build", help="build what browsers run, into a folder to publish", epilog=EPILOG)
    arguments.app(build)
    build.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the release"
    )
    build.add_argument(
        "--requirements",
        type=Path,
        metavar="FILE",
        help="requirements.txt or pyproject.toml (default: the nearest in or beside the app)",
    )
    build.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help="exact packages (default: edgekit.lock beside the requirements)",
    )
    build.add_argument("--upgrade", action="store_true", help="lock the newest versions that fit")
    arguments.contents(build)
    build.add_argument("--development", action="store_true", help="ship the app as source; rebuilds fastest")
    build.add_argument(
        "--quality",
        type=int,
        choices=range(12),
        metavar="0..11",
        help="of brotli (default: 11; 4 in development)",
    )
    build.add_argument(
        "--keep",
        type=arguments.count,
        default=5,
        metavar="N",
        help="releases that stay in DIR (default: %(default)s)",
    )
    build.add_argument(
        "--server-only",
        type=Path,
        metavar="FILE",
        help="put what browsers do not get into FILE, for edges on Node.js (default: nowhere)",
    )

    arguments.edges(build)

    release = verbs.add_parser("release", help="which release browsers get: list, go back, stop")
    actions = release.add_subparsers(dest="action", metavar="action", required=True)
    arguments.folder(actions.add_parser("list", help="the releases in a folder, the newest first"))
    use = actions.add_parser("use", help="let browsers get this release")
    use.add_argument("release", metavar="ID", help="as `list` shows it")
    arguments.folder(use)
    arguments.folder(
        actions.add_parser("stop", help="let browsers go without a local host, until the next `use`")
    )

    keys = verbs.add_parser("keys", help="the edge's keys: make, list, rotate, retire")
    actions = keys.add_subparsers(dest="action", metavar="action", required=True)
    arguments.key_file(actions.add_parser("init", help="make a new set"))
    arguments.key_file(actions.add_parser("list", help="the keys of a set and their times"))
    arguments.key_file(
        actions.add_parser("rotate", help="add new keys; the present ones end when nothing needs them")
    )
    retire = actions.add_parser("retire", help="take out the keys that have ended")
    retire.add_argument("--now", metavar="KID", help="and this one, which others may know")
    arguments.key_file(retire)
    return top


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = parser().parse_args(words)
    # What is made here is run by edges, builds and browsers: whatever the umask, nobody else may change it.
    os.umask(os.umask(0o022) | 0o022)
    if options.verb == "serve":
        try:
            from .serve import run  # noqa: PLC0415 - needs the extra `serve`
        except ModuleNotFoundError as error:
            return _fail(f"{error.name} is needed to serve: run `pip install 'edgekit[serve]'`.")
        try:
            address = origin_of(options.address) if options.address else None
        except ValueError as error:
            return _fail(f"--address (EDGEKIT_ADDRESS): {error}.", 2)
        return run(
            options.app,
            options.app_dir,
            options.host,
            options.port,
            options.data,
            reload=not options.no_reload,
            edges=options.edge,
            address=address,
            include=options.include,
            exclude=options.exclude,
        )
    if options.verb == "edge":
        return _edge(options)
    if options.verb == "verify":
        return _verify(options)
    return {"build": _build, "release": _release, "keys": _keys}[options.verb](options)


def _edge(options: argparse.Namespace) -> int:
    try:
        from .server.command import run  # noqa: PLC0415 - needs the extra `native`
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is needed for an edge: run `pip install 'edgekit[native]'`.")
    return run(
        options.app,
        options.app_dir,
        options.host,
        options.port,
        address=options.address,
        trusted=options.proxies,
        connections=options.connections,
    )


def _verify(options: argparse.Namespace) -> int:
    try:
        from .verify.command import verify  # noqa: PLC0415 - needs the extra `serve`
        from .verify.run import Budget  # noqa: PLC0415
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is needed to verify: run `pip install 'edgekit[serve]'`.")
    return verify(
        options.app,
        options.app_dir,
        budget=Budget(options.writes, options.kills, options.duplicates, options.seconds),
        scenario=options.scenario,
        data=options.data,
        catalog=options.catalog,
        users=options.users,
        edges=options.edges,
        skew=options.skew,
        seed=options.seed,
    )


def _build(options: argparse.Namespace) -> int:
    try:
        from .release import BuildError, build  # noqa: PLC0415 - needs the extra `build`
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is needed to build: run `pip install 'edgekit[build]'`.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that drafts are removed
    try:
        build(
            options.app,
            options.output,
            app_dir=options.app_dir,
            requirements=options.requirements,
            lock=options.lock,
            upgrade=options.upgrade,
            include=options.include,
            exclude=options.exclude,
            development=options.development,
            quality=options.quality,
            keep=options.keep,
            server_only=options.server_only,
            edges=options.edge,
            report=_report,
        )
    except BuildError as error:
        if error.detail:
            print(error.detail, file=sys.stderr)
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _release(options: argparse.Namespace) -> int:
    try:
        from .release import BuildError, history  # noqa: PLC0415 - needs the extra `build`
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is needed here: run `pip install 'edgekit[build]'`.")
    try:
        if options.action == "use":
            history.use(options.output, options.release, time.time())
        elif options.action == "stop":
            history.stop(options.output)
        else:
            now = history.current(options.output)
            for one in reversed(history.releases(options.output)):
                since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.since))
                mark = "*" if one.release == now else " "
                print(f"{mark} {one.release}  {since}  {one.document['app']}  {one.size / 1e6:.1f} MB")
    except (BuildError, OSError) as error:
        return _fail(str(error))
    return 0


def _keys(options: argparse.Namespace) -> int:
    try:
        from . import key_commands as keys  # noqa: PLC0415 - needs the extra `native`
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is needed here: run `pip install 'edgekit[native]'`.")
    file, now = options.keys, time.time()
    try:
        if options.action == "init":
            print(keys.init(file, now))
        elif options.action == "rotate":
            print(keys.rotate(file, now))
        elif options.action == "retire":
            print(keys.retire(file, now, options.now))
        else:
            print(keys.show(file, now))
    except (OSError, ValueError) as error:
        return _fail(str(error))
    return 0


def _report(step: Step) -> None:
    time = "cached" if step.cached else f"{step.seconds:.2f} s"
    lines = [f"{step.name:<10} {time:>8}  {step.note}".rstrip(), *(f"  {line}" for line in step.advice)]
    print("\n".join(lines), file=sys.stderr, flush=True)


def _fail(sentence: str, status: int = 1) -> int:
    print(f"edgekit: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
