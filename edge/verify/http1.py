"""HTTP/1.1 messages as whole values, read from a stream and written to it (RFC 9112).

Made for a proxy that cuts and repeats messages, and for its client: every body is held in memory, and leaves
with a Content-Length. What cannot be parsed ends in `Broken`, as a connection that ends too early does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

HEAD_LIMIT = 262_144  # bytes, as the limit of the stream
_UNFRAMED = frozenset({b"connection", b"content-length", b"keep-alive", b"transfer-encoding"})
_BODILESS = frozenset({204, 304})

Fields = tuple[tuple[bytes, bytes], ...]


class Broken(Exception):
    """The other side ended or garbled the connection in the middle of a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: its first line, its header fields (names in lower case), its body."""

    line: bytes
    fields: Fields
    body: bytes = b""

    @property
    def method(self) -> str:
        """Of a request."""
        return self.line.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        """Of a request: path and query."""
        return self.line.split(b" ")[1].decode("latin-1")

    @property
    def status(self) -> int:
        """Of a response."""
        return int(self.line.split(b" ")[1])

    def get(self, name: str) -> str:
        """The first field of that (lower-case) name, or the empty string."""
        wanted = name.encode()
        return next((value.decode("latin-1") for found, value in self.fields if found == wanted), "")

    def get_all(self, name: str) -> list[str]:
        """Every field of that (lower-case) name."""
        return [value.decode("latin-1") for found, value in self.fields if found == name.encode()]

    def without(self, name: str) -> Message:
        """The same without the fields of that name."""
        return replace(self, fields=tuple(pair for pair in self.fields if pair[0] != name.encode()))

    def encode(self) -> bytes:
        """The bytes to send."""
        length = (b"content-length", str(len(self.body)).encode())
        lines = [self.line, *(b": ".join(pair) for pair in (*self.fields, length))]
        return b"\r\n".join([*lines, b"", self.body])


def request(method: str, target: str, fields: Iterable[tuple[str, str]], body: bytes = b"") -> Message:
    """A request; `fields` need a Host."""
    encoded = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in fields)
    return Message(f"{method} {target} HTTP/1.1".encode("latin-1"), encoded, body)


async def read(reader: asyncio.StreamReader, *, answers: str = "") -> Message | None:
    """The next message; None if the stream ends before it begins. For responses `answers` is the method.

    Raises `Broken`, and OSError of the connection.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Broken("the head is cut off") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise Broken("the head is too long") from error
    line, *rows = head[:-4].split(b"\r\n")
    parsed = [row.partition(b":") for row in rows]
    fields = tuple((name.strip().lower(), value.strip()) for name, _, value in parsed)
    try:
        body = await _body(reader, line, dict(fields), answers)
    except asyncio.IncompleteReadError as error:
        raise Broken("the body is cut off") from error
    except (ValueError, IndexError) as error:
        raise Broken("not a message") from error
    return Message(line, tuple(pair for pair in fields if pair[0] not in _UNFRAMED), body)


async def _body(reader: asyncio.StreamReader, line: bytes, fields: dict[bytes, bytes], answers: str) -> bytes:
    if answers and (answers == "HEAD" or int(line.split(b" ")[1]) in _BODILESS):
        return b""
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return await _chunks(reader)
    if b"content-length" in fields:
        return await reader.readexactly(int(fields[b"content-length"]))
    return await reader.read() if answers else b""


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while True:
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise Broken("the body is cut off")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            while (await reader.readline()).strip():  # trailers
                pass
            return b"".join(parts)
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
