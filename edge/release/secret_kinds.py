"""What secrets look like wherever they stand, in text as in bytecode. Pure: bytes in, places out."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .public_keys import NEAR, is_public, is_public_token

VERSION = "2"  # of these rules: another number makes earlier results void


class Hit(NamedTuple):
    """A place: what it looks like, and the bytes from `start` to `end`."""

    kind: str
    start: int
    end: int


class Kind(NamedTuple):
    """`literals`: one of them stands in every secret of this kind; looking for them first is quick.

    `holds` has the last word about a match, where a pattern alone says too little. `shown`: documentation
    has examples of it, so that packages from an index are not searched for it.
    """

    name: str
    literals: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    holds: Callable[[re.Match[bytes]], bool] = bool
    shown: bool = False


def _kind(name: str, literals: bytes, pattern: bytes, *more: Any) -> Kind:
    return Kind(name, tuple(literals.split()), re.compile(pattern), *more)


def _is_token(match: re.Match[bytes]) -> bool:
    """Whether the first segment is the header of a JWS or JWE (RFC 7515, RFC 7516)."""
    segment = match[0].partition(b".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))
    except (binascii.Error, ValueError):
        return False
    is_token = isinstance(header, dict) and "alg" in header
    return is_token and not is_public_token(match[0].decode("latin-1"))


def _is_for_servers(match: re.Match[bytes]) -> bool:
    near = match.string[max(0, match.start() - NEAR) : match.end() + NEAR]
    return not is_public("", match[0].decode("latin-1"), near.decode("latin-1"))


# Passwords as they stand in documentation and in code that builds such addresses.
PLACEHOLDER = re.compile(
    rb"(?i)[<{$%*\[(].*|.*[}>\])]|x+|\.+|(?:your|my|the|some)?[-_]?"
    rb"(?:pass(?:word|wd|phrase)?|pwd|pw|secret|token|key|tiger|example|changeme|test|user(?:name)?)"
)


def _is_password(match: re.Match[bytes]) -> bool:
    return PLACEHOLDER.fullmatch(match["password"]) is None and match["password"] != match["user"]


def _is_no_example(match: re.Match[bytes]) -> bool:
    return b"EXAMPLE" not in match[0]


_NO_WORD = rb"(?<![A-Za-z0-9_-])"

KINDS = (
    _kind(
        "private key",
        b"PRIVATE",
        # In string literals line ends are \n, and there may be quotes between the lines.
        rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        rb"(?:[\s\\rn\"'+,]*(?:Proc-Type|DEK-Info|Version|Comment|Hash):[^\n\\]{0,100})*"
        rb"[A-Za-z0-9+/=\s\\\"',]{48,20000}?-----END",
    ),
    _kind("private key", b"AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    _kind("private key", b"PuTTY-User-Key-File-", rb"PuTTY-User-Key-File-\d: "),
    _kind(
        "private JWK",
        b"kty",
        rb"""\{[^{}]{0,4000}?["']?\bkty\b["']?\s*:[^{}]{0,4000}?\}""",
        lambda match: re.search(rb"""["']?\b(?:d|k)\b["']?\s*:\s*["'][\w-]{16,}["']""", match[0]) is not None,
        True,
    ),
    _kind(
        "token (JWT)",
        b"eyJ",
        _NO_WORD + rb"eyJ[\w-]{8,}(?:\.[\w-]+|(?:\.[\w-]*){3})\.[\w-]{16,}",
        _is_token,
        True,
    ),
    _kind(
        "address with a password",
        b"://",
        rb"[A-Za-z][A-Za-z0-9+.-]{1,30}://(?P<user>[^\s:/@\"'<>`?#\\]{0,80}):(?P<password>[^\s:/@\"'`?#\\]{3,})@[\w\[]",
        _is_password,
        True,
    ),
    _kind("AWS access key", b"AKIA ASIA", rb"(?<![A-Z0-9])A[KS]IA[A-Z2-7]{16}(?![A-Z0-9])", _is_no_example),
    _kind("Azure storage key", b"AccountKey=", rb"AccountKey=[A-Za-z0-9+/]{86}=="),
    _kind("Anthropic key", b"sk-ant-", rb"sk-ant-[\w-]{20,}"),
    _kind("DigitalOcean token", b"_v1_", rb"do[opr]_v1_[a-f0-9]{64}"),
    _kind("Discord webhook", b"/api/webhooks/", rb"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{60,}"),
    _kind("Docker token", b"dckr_pat_", rb"dckr_pat_[\w-]{20,}"),
    _kind("GitHub token", b"ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[pousr]_[A-Za-z0-9]{36}"),
    _kind("GitHub token", b"github_pat_", rb"github_pat_\w{70,}"),
    _kind("GitLab token", b"glpat- gldt- glrt-", rb"gl(?:pat|dt|rt)-[\w-]{20,}"),
    _kind("Google API key", b"AIza", rb"(?<![\w-])AIza[\w-]{35}(?![\w-])", _is_for_servers),
    _kind("Google OAuth secret", b"GOCSPX-", rb"GOCSPX-[\w-]{28}"),
    _kind("Hugging Face token", b"hf_", rb"(?<!\w)hf_[A-Za-z]{34}(?!\w)"),
    _kind("Mailgun key", b"key-", _NO_WORD + rb"key-[0-9a-f]{32}(?![0-9a-f])"),
    _kind("npm token", b"npm_", rb"(?<!\w)npm_[A-Za-z0-9]{36}(?!\w)"),
    _kind("OpenAI key", b"T3BlbkFJ", rb"sk-[\w-]*T3BlbkFJ[\w-]{10,}"),
    _kind("PyPI token", b"pypi-AgE", rb"pypi-AgE[\w-]{50,}"),
    _kind("SendGrid key", b"SG.", rb"(?<!\w)SG\.[\w-]{22}\.[\w-]{43}"),
    _kind("Shopify token", b"shpat_ shpca_ shppa_ shpss_", rb"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _kind("Slack token", b"xox", rb"xox[abeoprs]-(?:\d+-)+[\w-]{10,}"),
    _kind("Slack webhook", b"hooks.slack.com", rb"hooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
    _kind("Square secret", b"sq0csp-", rb"sq0csp-[\w-]{43}"),
    _kind("Stripe key", b"_live_ _test_", rb"(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _kind("Stripe webhook secret", b"whsec_", rb"whsec_[A-Za-z0-9+/]{24,}"),
    _kind("Telegram bot token", b":AA", rb"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])"),
    _kind("Vault token", b"hvs. hvb.", rb"(?<!\w)hv[sb]\.[\w-]{24,}"),
)


def find(data: bytes, *, own: bool) -> Iterator[Hit]:
    """What in `data` looks like a secret. `own`: the project's, and not a package from an index."""
    for kind in KINDS:
        if (own or not kind.shown) and any(literal in data for literal in kind.literals):
            for match in kind.pattern.finditer(data):
                if kind.holds(match):
                    yield Hit(kind.name, match.start(), match.end())
