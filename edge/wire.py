"""What edge and origin say to each other: pure values and their JSON form, nothing else.

POST /commit   Idempotency-Key: K   Authorization: Bearer <assertion>   body: `Commit`
-> 200 `Outcome`     first time: applied; again with the same key: replayed, byte for byte
-> 409 version-conflict, floor-reached · 422 key-reused · 400 malformed-* · 401 unauthorized
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, NamedTuple, cast

from .errors import Problem
from .types import JSON

ASSERTION_TYPE = "edgekit-assertion+jwt"
ASSERTION_LIFE = 60  # seconds
ORIGIN_AUDIENCE = "edgekit-origin"
RECORD_LIMIT = 65_536  # bytes of one record's JSON
RESPONSE_LIMIT = 262_144  # bytes of a remembered response body
USER_LIMIT = 128  # characters of a user's id
WRITES_LIMIT = 256  # writes (and reads) in one commit
# Bytes of a whole commit: as many records as there may be, each as large as it may be, and the response. So
# the limits that an app meets are those that it can count itself.
COMMIT_LIMIT = WRITES_LIMIT * RECORD_LIMIT + 1_048_576

DEPTH_LIMIT = 500  # nested JSON arrays and objects (RFC 8259 section 9 allows a limit)
# A string without an end is taken as one too: trying each of its quotes again would take quadratic time.
_NOT_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[^\[\]{}"]++', re.DOTALL)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\\x00*+.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_IN_JSON = re.compile(rb"[\[\]{},:\s0-9.eE+\-truefalsn\x00]*+")
_BEFORE_JSON = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"  # white space and byte order marks
_KEY = re.compile(r"[A-Za-z0-9_.\-]{16,64}")
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,128}")

Scope = Literal["user", "shared"]


class RecordKey(NamedTuple):
    """Where a record lives: with one user or shared by all, in a collection, under an id."""

    scope: Scope
    collection: str
    id: str


class Read(NamedTuple):
    """A record that a handler saw, and the version it saw; version 0 means there was none."""

    key: RecordKey
    version: int


class Write(NamedTuple):
    """A record to store, or to delete when `value` is None."""

    key: RecordKey
    value: dict[str, JSON] | None


class Increment(NamedTuple):
    """Add `by` to a whole number in a record, whatever it is by then; it starts at 0, record and field too.

    With a `floor` the commit is refused ("floor-reached") if the number would be less than that.
    """

    key: RecordKey
    field: str
    by: int
    floor: int | None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The final answer to a request, kept so that a retry gets the same one.

    `state` is the user's whole state after the request, or None if the request did not change it, and
    `sealed` a token that only edges can open. `base` names the view that they were made from: a retry that
    comes with a newer one keeps that.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    state: dict[str, JSON] | None = None
    sealed: str | None = None
    base: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one request wants to make true, at once or not at all.

    `author` is in whose name its key counts, "" for the user of the commit: what a guest wrote may be sent by
    the guest who came after.
    """

    fingerprint: str
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    response: StoredResponse
    increments: tuple[Increment, ...] = ()
    author: str = ""

    @property
    def changed(self) -> list[RecordKey]:
        """The records that it writes or adds to."""
        return [write.key for write in self.writes] + [one.key for one in self.increments]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The origin's final word on a commit; `replayed` means it had been applied before."""

    replayed: bool
    response: StoredResponse


def is_key(text: str) -> bool:
    """Whether `text` is a well-formed idempotency key: 16 to 64 of `A-Z a-z 0-9 _ . -`."""
    return _KEY.fullmatch(text) is not None


def is_name(text: object) -> bool:
    """Whether `text` may name a collection or a record: 1 to 128 of `A-Z a-z 0-9 _ . -`, not dots only."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and text.strip(".") != ""


def fingerprint(
    method: str, target: str, headers: Iterable[tuple[str, str]], *body: bytes | memoryview
) -> str:
    """SHA-256 (hex) of what makes two requests the same: method, path with query, content type,
    preconditions and body (in any number of pieces), each with its length in front. Cookies and dates
    do not count."""
    values = dict(headers)
    digest = hashlib.sha256()
    parts = [method, target, *(values.get(n, "") for n in ("content-type", "if-match", "if-none-match"))]
    for part in [(part.encode("utf-8", "surrogateescape"),) for part in parts] + [body]:
        digest.update(sum(map(len, part)).to_bytes(8, "big"))
        for piece in part:
            digest.update(piece)
    return digest.hexdigest()


def nested_too_deep(text: bytes) -> bool:
    """Whether JSON in `text` nests arrays and objects deeper than `DEPTH_LIMIT`, told without parsing it."""
    if text.count(b"[") + text.count(b"{") <= DEPTH_LIMIT:
        return False
    steps = (1 if bracket in b"[{" else -1 for bracket in _NOT_BRACKETS.sub(b"", text))
    return any(depth > DEPTH_LIMIT for depth in accumulate(steps))


def is_deep_json(text: bytes) -> bool:
    """Whether `text` is JSON, as far as it takes to see that it nests deeper than `DEPTH_LIMIT`.

    For text that nobody calls JSON, in any encoding that `json.loads` detects; other languages have
    brackets too.
    """
    if text.lstrip(_BEFORE_JSON)[:1] not in (b"[", b"{") or not nested_too_deep(text):
        return False
    bare, depth = _STRINGS.sub(b"", text).lstrip(_BEFORE_JSON), 0
    for found in _BRACKETS.finditer(bare):
        depth += 1 if found[0] in b"[{" else -1
        if depth > DEPTH_LIMIT:
            return _IN_JSON.fullmatch(bare, 0, found.end()) is not None
    return False


def encode_json(value: object) -> bytes:
    """Compact UTF-8 JSON with members in their given order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _response_document(response: StoredResponse) -> dict[str, Any]:
    return {
        "status": response.status,
        "headers": [list(pair) for pair in response.headers],
        "body": base64.b64encode(response.body).decode("ascii"),
        "state": response.state,
        "sealed": response.sealed,
        "base": response.base,
    }


def encode_commit(commit: Commit) -> bytes:
    """The body of `POST /commit`."""
    return encode_json(
        {
            "fingerprint": commit.fingerprint,
            "reads": [[*read.key, read.version] for read in commit.reads],
            "writes": [[*write.key, write.value] for write in commit.writes],
            "increments": [[*one.key, one.field, one.by, one.floor] for one in commit.increments],
            "response": _response_document(commit.response),
        }
        | ({"author": commit.author} if commit.author else {})
    )


def encode_outcome(outcome: Outcome) -> bytes:
    """The body of the 200 answer to `POST /commit` and of `GET /commit/{key}`."""
    return encode_json({"replayed": outcome.replayed, "response": _response_document(outcome.response)})


def decode_commit(body: bytes) -> Commit:
    """Parse and check the body of `POST /commit`.

    Raises `Problem("malformed-commit")` for anything outside the format and
    `Problem("record-too-large")` for a record over `RECORD_LIMIT`.
    """
    if nested_too_deep(body):
        raise Problem("malformed-commit", f"nested deeper than {DEPTH_LIMIT} levels")
    try:
        document = json.loads(body)
        reads = tuple(Read(_record_key(row[:3]), _version(row[3])) for row in document["reads"])
        writes = tuple(Write(_record_key(row[:3]), _value(row[3])) for row in document["writes"])
        increments = tuple(_increment(row) for row in document["increments"])
        mark = document["fingerprint"]
        response = _decode_response(document["response"])
        author = document.get("author", "")
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, binascii.Error) as error:
        raise Problem("malformed-commit", "the body is not a commit") from error
    if not isinstance(author, str) or len(author) > USER_LIMIT:
        raise Problem("malformed-commit", f"author is a name of at most {USER_LIMIT} characters")
    if not isinstance(mark, str) or re.fullmatch(r"[0-9a-f]{64}", mark) is None:
        raise Problem("malformed-commit", "fingerprint must be 64 hexadecimal digits")
    if max(len(reads), len(writes) + len(increments)) > WRITES_LIMIT:
        raise Problem("malformed-commit", f"a commit holds at most {WRITES_LIMIT} reads and writes")
    written = {write.key for write in writes}
    if len(written) != len(writes) or written & {one.key for one in increments}:
        raise Problem("malformed-commit", "a record may be written only once")
    if len(response.body) > RESPONSE_LIMIT:
        raise Problem("malformed-commit", f"the response body is over {RESPONSE_LIMIT} bytes")
    return Commit(mark, reads, writes, response, increments, author)


def decode_outcome(body: bytes) -> Outcome:
    """Parse an outcome; raises `Problem("origin-invalid")` for anything else."""
    try:
        document = json.loads(body)
        return Outcome(bool(document["replayed"]), _decode_response(document["response"]))
    except (ValueError, TypeError, KeyError, IndexError, binascii.Error) as error:
        raise Problem(
            "origin-invalid", "the answer to a commit could not be read", for_developers=True
        ) from error


def _record_key(row: list[Any]) -> RecordKey:
    scope, collection, record_id = row
    if scope not in ("user", "shared") or not is_name(collection) or not is_name(record_id):
        raise ValueError(row)
    return RecordKey(cast("Scope", scope), collection, record_id)


def _version(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _increment(row: list[Any]) -> Increment:
    *key, field, by, floor = row
    if not isinstance(field, str) or not is_count(by) or not (floor is None or is_count(floor)):
        raise ValueError(row)
    return Increment(_record_key(key), field, by, floor)


def is_count(value: object) -> bool:
    """Whether `value` is a whole number that JSON carries exactly everywhere (RFC 8259 section 6)."""
    return type(value) is int and abs(value) < 2**53


def _value(value: object) -> dict[str, JSON] | None:
    if value is not None and not isinstance(value, dict):
        raise TypeError(value)
    if value is not None and len(encode_json(value)) > RECORD_LIMIT:
        raise Problem("record-too-large", f"a record holds at most {RECORD_LIMIT} bytes of JSON")
    return value


def _decode_response(document: dict[str, Any]) -> StoredResponse:
    status, state, sealed = document["status"], document["state"], document.get("sealed")  # new in schema 3
    if type(status) is not int or not 200 <= status <= 599:
        raise ValueError(status)
    base = document.get("base", "")  # stored outcomes may be older
    if not isinstance(state, dict | None) or not isinstance(sealed, str | None) or not isinstance(base, str):
        raise TypeError(state, sealed, base)
    headers = tuple((str(name), str(value)) for name, value in document["headers"])
    return StoredResponse(
        status, headers, base64.b64decode(document["body"], validate=True), state, sealed, base
    )
