"""Options that several verbs of the command `edgekit` share, and the kinds of their values."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

EDGE_EPILOG = """\
from the environment:
  EDGEKIT_ADDRESS      as --address
  EDGEKIT_ORIGIN       URL of the origin, or several with commas between
  EDGEKIT_ORIGIN_KEYS  the origin's public keys: origin-public.json, or its content
  EDGEKIT_KEYS         the private keys that all edges share (`edgekit keys init`), or their content
  EDGEKIT_RELEASE      folder of the browser release (`edgekit build -o`)
  EDGEKIT_SITES        sites at other addresses whose service workers may read here
  EDGEKIT_PROXIES      as --proxies

Everything is checked before the edge listens; if something is wrong, a sentence says so and the exit status
is 2. Once it accepts requests it prints `ready http://HOST:PORT`. SIGTERM ends it when what runs is answered.
"""


def edge_verb(verbs: Any) -> None:
    """`edgekit edge`."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "edge",
        help="run one edge, as in production",
        epilog=EDGE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    app(verb)
    verb.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    verb.add_argument("--port", type=port, default=8000, help="0 picks a free one (default: %(default)s)")
    address(verb)
    verb.add_argument(
        "--proxies",
        default=os.environ.get("EDGEKIT_PROXIES", ""),
        metavar="IP,…",
        help="addresses or networks of proxies whose X-Forwarded-For is believed (default: nobody's)",
    )
    verb.add_argument(
        "--connections",
        type=count,
        default=1000,
        metavar="N",
        help="clients at a time (default: %(default)s)",
    )


def edges(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--edge",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a further edge, such as https://a.example, that browsers may ask for what is for everybody",
    )


def contents(verb: argparse.ArgumentParser) -> None:
    """What a release has beside what the app imports, and what it does without."""
    verb.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="NAME",
        help="one more package, module or folder beside the app (what the app imports comes by itself)",
    )
    verb.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package that the release does without, whoever requires it (servers are left out anyway)",
    )


def address(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--address",
        default=os.environ.get("EDGEKIT_ADDRESS") or None,
        metavar="ORIGIN",
        help="under which people reach the site, such as https://tea.example: all else gets 421 "
        "(default: EDGEKIT_ADDRESS, else this machine's own names)",
    )


def count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def port(text: str) -> int:
    if not 0 <= (number := int(text)) <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number up to 65535, 0 picks a free one")
    return number


def folder(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the releases"
    )


def key_file(verb: argparse.ArgumentParser) -> None:
    file = Path("data", "keys", "edge-private.json")
    verb.add_argument(
        "--keys", type=Path, default=file, metavar="FILE", help="private set (default: %(default)s)"
    )


def verification(verb: argparse.ArgumentParser) -> None:
    folder = Path("data", "verify")
    verb.add_argument("--scenario", metavar="module:class", help="what users do (default: what pages offer)")
    verb.add_argument("--writes", type=count, default=600, metavar="N", help="(default: %(default)s)")
    verb.add_argument("--kills", type=count, default=20, metavar="N", help="(default: %(default)s)")
    verb.add_argument("--duplicates", type=count, default=120, metavar="N", help="(default: %(default)s)")
    verb.add_argument("--seconds", type=count, default=86_400, metavar="N", help="end after so many at most")
    verb.add_argument("--seed", type=int, metavar="N", help="of users, faults and kills (default: a new one)")
    verb.add_argument("--users", type=count, default=12, metavar="N", help="at a time (default: 12)")
    verb.add_argument("--edges", type=count, default=2, metavar="N", help="(default: %(default)s)")
    verb.add_argument(
        "--skew", type=float, default=2.0, metavar="S", help="seconds that clocks are wrong (default: 2)"
    )
    verb.add_argument("--catalog", type=Path, metavar="DIR", help="to publish (default: the app's own)")
    verb.add_argument(
        "--data", type=Path, default=folder, metavar="DIR", help="for histories (default: %(default)s)"
    )


def app(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("app", metavar="module:app", help="the ASGI app, such as shop.app:app")
    verb.add_argument(
        "--app-dir",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where the module lies (default: this folder)",
    )
