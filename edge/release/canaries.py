"""The machine's own secrets, which no release may hold, and the forms in which they could get into one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

SECRET_NAME = re.compile(
    r"secret|token|passw|passphrase|pwd|credential|private|auth|dsn|salt|webhook|connection_?string"
    r"|(?:^|_)key(?:s|_|$)|api_?key|access_?key",
    re.IGNORECASE,
)
PUBLIC_NAME = re.compile(r"GPG_KEY|.*PUBLIC.*|.*(?:_ID|_SOCK|_TYPE|_METHOD|_MODE)", re.IGNORECASE)
SECRET_MEMBER = re.compile(r"d|k|p|q|dp|dq|qi|.*(?:secret|token|passw|private|key$).*", re.IGNORECASE)
FILE_LIMIT = 65_536  # bytes of a file that a variable names
SHORTEST = 8  # characters; less could stand anywhere
LONG = 16  # from here on a single word counts as well

Read = Callable[[str], bytes | None]  # the content of a file of at most FILE_LIMIT bytes, if there is one


def canaries(environment: Mapping[str, str], read: Read) -> dict[str, set[str]]:
    """Secret values by the name of the environment variable that leads to them.

    A variable may hold the secret, name a file with it, or hold an address with a password in it; JSON
    documents and JWK sets are taken apart.
    """
    found: dict[str, set[str]] = {}
    for name, value in environment.items():
        values = set(_values(name, value, read))
        if values:
            found[name] = values
    return found


def _values(name: str, value: str, read: Read) -> Iterator[str]:
    yield from filter(_is_distinct, _passwords(value))
    if PUBLIC_NAME.fullmatch(name) or not SECRET_NAME.search(name):
        return
    content = read(value) if value.startswith(("/", "./", "../", "~")) else None
    if content is not None:
        value = content.decode("utf-8", "replace")
    elif "://" in value or value.startswith(("/", "./", "../", "~")):
        return
    value = value.strip()
    try:
        document = json.loads(value)
    except ValueError:
        document = None
    if isinstance(document, dict | list):
        yield from filter(_is_distinct, _members(document))
    elif _is_distinct(value):
        yield value


def _passwords(value: str) -> Iterator[str]:
    try:
        password = urlsplit(value).password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}


def _members(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, member in document.items():
            if isinstance(member, str) and SECRET_MEMBER.fullmatch(name):
                yield member
            else:
                yield from _members(member)
    elif isinstance(document, list):
        for member in document:
            yield from _members(member)


def _is_distinct(value: str) -> bool:
    """Whether this is unlikely to stand in a file by chance, as `password` and `production` do."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda letter: not letter.isalnum())
    mixed = sum(any(map(kind, value)) for kind in kinds) > 1
    return len(value) >= (SHORTEST if mixed else LONG)


def forms(value: str) -> set[bytes]:
    """`value` as bytes: plain, escaped as in URLs and JSON, in hex, and within base64 at any place."""
    plain = value.encode()
    escaped = {quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), repr(value)[1:-1].encode()}
    return {plain, plain.hex().encode(), plain.hex().upper().encode(), *escaped, *_in_base64(plain)}


def _in_base64(plain: bytes) -> Iterator[bytes]:
    for before in range(3):
        # Six bits a letter: the first and the last may also belong to what stands around it.
        encoded = base64.b64encode(b"\0" * before + plain).rstrip(b"=")
        whole = encoded[(before * 8 + 5) // 6 : (before + len(plain)) * 8 // 6]
        if len(whole) >= SHORTEST:
            yield whole
            yield whole.translate(bytes.maketrans(b"+/", b"-_"))
