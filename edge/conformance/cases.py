"""The cases: a request each, and what must come back."""

from __future__ import annotations

from dataclasses import dataclass

from .app import BODY_LIMIT


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what must come back. `code` is the problem code expected in the body, if any.

    `escalates` marks what a browser cannot answer by itself exactly as an edge would.
    """

    name: str
    method: str
    target: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    contains: bytes = b""
    code: str = ""
    escalates: bool = False


URLENCODED = ("content-type", "application/x-www-form-urlencoded")
BINARY = ("content-type", "application/octet-stream")
JSON_TYPE = ("content-type", "application/json")
MULTIPART = ("content-type", "multipart/form-data; boundary=tea")
UPLOAD = (
    b'--tea\r\nContent-Disposition: form-data; name="note"\r\n\r\nfirst flush \xe2\x9c\x93\r\n'
    b'--tea\r\nContent-Disposition: form-data; name="leaf"; filename="l.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n" + bytes(range(256)) * 40 + b"\r\n--tea--\r\n"
)
KEY = ("idempotency-key", "conformance-key-0001")
LARGE_FORM = b"&".join(b"field%d=x" % number for number in range(3_000))
LARGE_UPLOAD = UPLOAD.replace(b"first flush", b"first flush " * 1_200 * 40)

CASES: tuple[Case, ...] = (
    *(Case(f"{m.lower()} echo", m, "/echo?a=1&a=2&b=") for m in ("GET", "OPTIONS")),
    *(
        Case(f"{m.lower()} with a body", m, "/echo", headers=(URLENCODED,), body=b"a=1&b=%20")
        for m in ("POST", "PUT", "PATCH", "DELETE")
    ),
    Case("head has no body", "HEAD", "/text"),
    Case("percent-encoded path", "GET", "/echo/gr%C3%BCn%20%2F%20tee", contains="grün / tee".encode()),
    Case("plus and space in the query", "GET", "/echo?q=a+b%20c&q=%E7%B7%91", contains=b'"a b c"'),
    Case("empty segments in the path", "GET", "/echo//a//b"),
    Case("own headers", "GET", "/echo", headers=(("x-b", "2"), ("x-a", "1, 3"))),
    Case("latin-1 header value", "GET", "/echo", headers=(("x-name", "caf\xe9"),), contains=b"caf\xc3\xa9"),
    Case(
        "binary body", "POST", "/echo", headers=(("content-type", "image/png"),), body=bytes(range(256)) * 9
    ),
    Case("large body", "POST", "/echo", body=b"x" * BODY_LIMIT, headers=(("content-type", "text/plain"),)),
    Case("text in utf-8", "GET", "/text", contains="緑茶".encode()),
    Case("html", "GET", "/page"),
    Case("binary response", "GET", "/binary?size=70000"),
    Case("no content", "GET", "/status/204", 204),
    Case("not modified", "GET", "/status/304", 304),
    Case("gone", "GET", "/status/410", 410),
    Case("redirect", "GET", "/redirect", 303),
    Case("redirect after post", "POST", "/redirect", 303),
    Case("two cookies", "GET", "/cookies", escalates=True),  # case P3
    Case("cookie that is read", "GET", "/cookie", contains=b"None", escalates=True),  # case P3
    Case("cookies that are handed around", "GET", "/cookie?read=0", contains=b"unread"),
    Case("all headers", "GET", "/headers", escalates=True),
    Case("session of a middleware", "GET", "/with-session/text", escalates=True),
    Case("challenge", "GET", "/challenge", 401, escalates=True),  # case P27
    Case("content that is coded", "GET", "/coded", escalates=True),  # case P13
    Case("streamed response", "GET", "/stream", contains=b"part 4"),
    Case("stream that never waits", "GET", "/eager-stream"),
    Case("head of a stream", "HEAD", "/stream"),
    Case("head of a stream that never waits", "HEAD", "/eager-stream"),
    Case("server-sent events", "GET", "/events", contains=b"data: cup 2"),
    Case("body read as it comes", "PUT", "/streamed-body", headers=(BINARY,), body=b"tea\0" * 200_000),
    Case("file", "GET", "/file", contains=b"leaf 0999"),
    Case("head of a file", "HEAD", "/file"),
    Case(
        "range of a file",
        "GET",
        "/file",
        206,
        (("range", "bytes=10-29"),),
        contains=b"leaf 0001\nleaf 0002\n",
    ),
    Case("end of a file", "GET", "/file", 206, (("range", "bytes=-10"),), contains=b"leaf 0999"),
    Case("range that a file does not have", "GET", "/file", 416, (("range", "bytes=99999-"),)),
    Case("range of this version", "GET", "/file", 206, (("range", "bytes=0-9"), ("if-range", '"leaves"'))),
    Case("range of another version", "GET", "/file", 200, (("range", "bytes=0-9"), ("if-range", '"old"'))),
    Case("conditional", "GET", "/conditional", contains=b"brewed"),
    Case("conditional, unchanged", "GET", "/conditional", 304, (("if-none-match", '"brew-7"'),)),
    Case("endpoint that is no coroutine", "GET", "/thread"),
    Case("generator that is not async", "GET", "/thread-stream", contains=b"three"),
    Case("background task", "GET", "/background"),
    Case(
        "urlencoded form",
        "POST",
        "/form",
        headers=(URLENCODED,),
        body=b"sku=sencha&quantity=2&n=%E7",
    ),
    Case("multipart upload", "POST", "/form", headers=(MULTIPART,), body=UPLOAD, contains=b"l.bin"),
    Case("json", "POST", "/json", headers=(JSON_TYPE,), body='{"tea":"緑茶"}'.encode()),
    Case("middleware class", "GET", "/wrapped/echo?x=1"),
    Case("stream through middleware class", "GET", "/wrapped/stream"),
    Case("lifespan state", "GET", "/lifespan", contains=b'"started":1'),
    Case(
        "ids and a key for nobody",
        "POST",
        "/ids",
        headers=(KEY,),
        contains=b'{"ids":2,"key":32,"steady":true,"own":true}',
    ),
    Case("empty state", "GET", "/state", contains=b'"state":{}'),
    Case("changed state", "POST", "/state", headers=(KEY,), contains=b'"tea":2'),
    Case("changed state in a safe request", "GET", "/visit", contains=b'"visits":1', escalates=True),
    Case("catalog", "GET", "/catalog", contains=b'"none":null'),
    Case("no such route", "GET", "/nothing-here", 404),
    Case(
        "form beyond a framework's limits", "POST", "/large-form", headers=(URLENCODED,), body=LARGE_FORM
    ),  # case P12
    Case(
        "upload beyond a framework's limits", "POST", "/large-form", headers=(MULTIPART,), body=LARGE_UPLOAD
    ),
    Case("own words to an exception", "GET", "/own/crash", 500, contains=b'{"error":"E-1"}'),  # case P9
    Case("own words to a failed write", "POST", "/own/crash", 500, contains=b'"E-1"', escalates=True),
    Case("stream without its file", "GET", "/lost?what=file", 500, code="internal-error"),  # P25
    Case("stream that waits too long", "GET", "/lost?what=time", 500, code="internal-error"),
    Case("lost file in a write", "POST", "/lost?what=file", 500, code="internal-error"),
    Case("body that is too short", "GET", "/wrong-length?size=9", 500, code="internal-error"),  # case P23
    Case("body that is too long", "GET", "/wrong-length?size=11", 500, code="internal-error"),
    Case("body that a middleware empties", "GET", "/wrapped/wrong-length?size=0", 500, code="internal-error"),
    Case("method the route does not have", "DELETE", "/text", 405),
    Case("the app's own error", "GET", "/teapot", 418, contains=b"short and stout"),
    Case("a problem", "GET", "/refuse", 403, code="forbidden", contains=b'"hint":7'),
    Case("crash in a safe request", "GET", "/crash", 500, code="internal-error"),
    Case("crash in an unsafe request", "POST", "/crash", 500, code="internal-error"),
    Case("path that is not utf-8", "GET", "/echo/%ff%fe", 400, code="malformed-path"),
    *(
        Case(f"control character {code} in the path", "GET", f"/text{code}", 400, code="malformed-path")
        for code in ("%0A", "%0d", "%00", "%7F", "%C2%85")
    ),
    Case("control character in a path that is written to", "POST", "/form%0A", 400, code="malformed-path"),
    Case("unknown method", "PROPFIND", "/echo", 405, code="method-not-allowed"),
    Case("oversize header", "GET", "/echo", 431, (("x-big", "x" * 17_000),), code="headers-too-large"),
    Case("oversize body", "POST", "/echo", 413, (URLENCODED,), b"x" * 1_000_001, code="body-too-large"),
    Case("another service worker", "GET", "/page", 403, (("service-worker", "script"),), code="forbidden"),
    Case("truncated json", "POST", "/json", 400, (JSON_TYPE,), b'{"tea":', code="malformed-json"),
    Case("json that is not utf-8", "POST", "/json", 400, (JSON_TYPE,), b"\xff", code="malformed-json"),
    Case("json nested too deep", "POST", "/json", 400, (JSON_TYPE,), b"[" * 200_000, code="malformed-json"),
    Case("malformed key", "POST", "/ids", 400, (("idempotency-key", "short"),), code="malformed-key"),
    Case(
        "multipart without boundary",
        "POST",
        "/form",
        400,
        (("content-type", "multipart/form-data"),),
        UPLOAD,
        code="malformed-form",
    ),
    Case(
        "broken multipart with a key",
        "POST",
        "/form",
        400,
        (MULTIPART, KEY),
        b"--tea\r\nthis is no header\r\n\r\n",
        code="malformed-form",
    ),
)
