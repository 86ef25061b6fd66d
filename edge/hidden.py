"""What a browser adds to a request behind its service worker, and what it takes from the network only.

A service worker sees neither cookies nor what else the browser and proxies put onto a request on its way,
and some headers of an answer do nothing unless they come from a server. The local host cannot answer such
requests as an edge would, so they are an edge's: whoever looks at one of these headers, or answers with one,
escalates. Looking at others costs next to nothing.

Sources: Fetch (forbidden request and response header names, HTTP-network-or-cache fetch), RFC 6265,
RFC 7239, RFC 9110 sections 8.4 and 11, Clear Site Data, Client Hints.
"""

from __future__ import annotations

from typing import Any, NoReturn

from starlette.requests import HTTPConnection

from .context import SCOPE_KEY
from .errors import NeedsEdge
from .running import Running

Headers = list[tuple[bytes, bytes]]

# In the request that an edge gets, if at all. Browsers keep an "Authorization" that was typed at a prompt.
COOKIE, AUTHORIZATION = b"cookie", b"authorization"
OTHERS = frozenset(
    {
        *(b"save-data", b"dnt", b"sec-gpc", b"device-memory", b"downlink", b"dpr", b"ect", b"rtt", b"width"),
        *(b"viewport-width", b"priority"),
        # Where the worker cannot know them (browser/as-sent.js).
        *(b"sec-fetch-site", b"sec-fetch-user"),
        # Of the proxies in front of an edge.
        *(b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip", b"x-client-ip", b"true-client-ip"),
        *(b"cf-connecting-ip", b"cf-ipcountry", b"fly-client-ip"),
    }
)
HINT = b"sec-ch-"  # client hints begin with it
# The registered ones (Client Hints Infrastructure), for those who have to be told all names at once.
HINTS = tuple(
    HINT + name
    for name in (
        *(b"ua", b"ua-arch", b"ua-bitness", b"ua-form-factors", b"ua-full-version", b"ua-full-version-list"),
        *(b"ua-mobile", b"ua-model", b"ua-platform", b"ua-platform-version", b"ua-wow64", b"dpr", b"width"),
        *(b"device-memory", b"viewport-height", b"viewport-width", b"save-data"),
        *(b"prefers-color-scheme", b"prefers-reduced-motion", b"prefers-reduced-transparency"),
    )
)
# Headers of an answer that only a network stack acts upon.
ANSWER = frozenset({b"set-cookie", b"clear-site-data", b"www-authenticate", b"proxy-authenticate"})
CODING = b"content-encoding"  # nobody decodes what a service worker answers


def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
    self.request.escalated = True  # this may run where the request does not
    raise NeedsEdge(f"{self.WHAT} that browsers hide from service workers")


# By which Python code, the interpreter included, gets at what a value holds.
_READS = (
    *("__add__", "__buffer__", "__bool__", "__bytes__", "__contains__", "__eq__", "__format__", "__ge__"),
    *("__getitem__", "__getnewargs__", "__gt__", "__hash__", "__iter__", "__le__", "__len__", "__lt__"),
    *("__mod__", "__mul__", "__ne__", "__or__", "__radd__", "__reduce__", "__reduce_ex__", "__repr__"),
    *("__reversed__", "__rmod__", "__rmul__", "__ror__", "__str__"),
)


def _reads(kind: type) -> dict[str, Any]:
    """Members that raise `NeedsEdge`, in place of all that read a `kind`."""
    methods = [name for name in dir(kind) if not name.startswith("_")]
    return dict.fromkeys([*_READS, *methods], _refuse) | {
        "__copy__": lambda self: self,
        "__deepcopy__": lambda self, _memo: self,
    }


Value: Any = type("Value", (bytes,), {**_reads(bytes), "WHAT": "a header"})
Cookies: Any = type("Cookies", (dict,), {**_reads(dict), "WHAT": "a cookie"})
Client: Any = type("Client", (tuple,), {**_reads(tuple), "WHAT": "an address"})


Text: Any = type("Text", (str,), {**_reads(str), "WHAT": "a header"})


class Name(bytes):
    """The name of a hidden header: equal to none, and whoever compares it with its own escalates.

    `others`: whether it stands for all hidden ones that have no such name of their own.
    """

    WHAT = "a header"

    request: Running
    others = False

    __hash__ = bytes.__hash__
    decode = _refuse  # by a list of all names

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes) and (bytes.__eq__(self, other) or (self.others and is_hidden(other))):
            _refuse(self)
        return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def lower(self) -> bytes:
        return self

    __copy__ = lower

    def __deepcopy__(self, _memo: object) -> bytes:
        return self


def is_hidden(name: bytes) -> bool:
    """Whether a request header of this name (in lower case) may be added where no service worker sees it."""
    return name in OTHERS or name.startswith(HINT)


def seen(scope: dict[str, Any], request: Running) -> dict[str, Any]:
    """The members of the scope of a request in the browser that an app is to see otherwise."""
    there = {name for name, _ in scope["headers"]}
    value, client = Value(b"?"), Client(("?", 0))
    value.request = client.request = request
    headers = list(scope["headers"])
    for name in (COOKIE, AUTHORIZATION):
        if name not in there:
            hidden = Name(name)
            hidden.request, hidden.others = request, name == COOKIE
            headers.append((hidden, value))
    return {"headers": headers, "client": client}


def variables(request: Running) -> dict[str, Any]:
    """As CGI has them (RFC 3875): every variable that an edge might have and that a browser hides."""
    text = Text("?")
    text.request = request
    names = [name.decode().upper().replace("-", "_") for name in (COOKIE, AUTHORIZATION, *OTHERS, *HINTS)]
    return dict.fromkeys(["REMOTE_ADDR", "REMOTE_PORT", *(f"HTTP_{name}" for name in names)], text)


def check_answer(headers: Headers) -> None:
    """Raise `NeedsEdge` for an answer that means something else when it comes from a service worker."""
    for name, value in headers:
        coded = name == CODING and value.strip().lower() not in (b"", b"identity")
        if coded or name in ANSWER:
            raise NeedsEdge(f"the header {name.decode('latin-1')}")


_cookies: Any = HTTPConnection.cookies


def watch() -> None:
    """From now on `request.cookies` may be handed around in the browser, as frameworks do for each request:
    only looking into it escalates."""
    if HTTPConnection.cookies is _cookies:
        HTTPConnection.cookies = property(_cookies_of)  # type: ignore[assignment, method-assign]


def _cookies_of(connection: HTTPConnection) -> Any:
    request = connection.scope.get(SCOPE_KEY)
    if request is None or request.host != "browser":
        return _cookies.fget(connection)
    cookies = Cookies({"?": "?"})
    cookies.request = request
    return cookies
