"""A site whose releases a test publishes, damages and interrupts; small, but built for real."""

from __future__ import annotations

import asyncio
import io
import re
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge import Stateless, context
from edge.hosts.native import Settings, host
from edge.release import build, history
from edge.release.manifest import Asset, Manifest, make_manifest, place, place_together
from edge.release.publish import publish

APP = """\
import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from edge import Stateless, context

VERSION = "{version}"


async def show(request):
    return HTMLResponse(f"<!doctype html><link rel=icon href=data:,><h1>{{VERSION}}</h1>")


async def style(request):
    return PlainTextResponse(context(request).static("/static/version.css"))


async def busy(request):
    time.sleep(request.path_params["seconds"])
    return PlainTextResponse("busy")


app = Stateless(
    Starlette(routes=[Route("/", show), Route("/style", style), Route("/busy/{{seconds:int}}", busy)]),
    anywhere=["/", "/style", "/busy/{{seconds:int}}"],
    static={{"/static": Path(__file__).parent / "static"}},
)
"""
SHARED = Path(__file__).parents[2] / "browser" / "protocol.js"
PAGE_FILES = re.findall(
    r'"([\w-]+\.\w+)"', re.search(r"PAGE_FILES = .*?;", SHARED.read_text("utf-8"), re.DOTALL)[0]
)
WASM_CUSTOM_SECTION = b"\x00\x05\x04twin"  # id, size, name: ignored by every engine


@dataclass(frozen=True, slots=True)
class Built:
    """A release that is not published yet; its page and its static file say `version`."""

    version: str
    manifest: Manifest
    assets: list[Asset]

    @property
    def id(self) -> str:
        return self.manifest.release

    @property
    def files(self) -> list[str]:
        return [one.url for one in self.assets]

    @property
    def installed(self) -> list[str]:
        """What a browser fetches before a start: not what is for other hosts, and not what comes late."""
        roles = self.manifest.document["roles"]
        others = {roles[role] for role in ("loader", "factory", "late")}
        scripts = [url for url in self.files if url.startswith(roles["kit"])]
        others.update(url for url in scripts if url.removeprefix(roles["kit"]) not in PAGE_FILES)
        return [url for url in self.files if url not in others]

    @property
    def kept(self) -> list[str]:
        """What of it lies in Cache Storage: the browser keeps the code of the worker elsewhere."""
        roles = self.manifest.document["roles"]
        return [url for url in self.installed if url not in (roles["engine"], roles["worker"])]

    @property
    def size(self) -> int:
        return sum(one.size for one in self.assets)

    def place(self, url: str) -> tuple[str, str, str]:
        """The cache in which a browser keeps a file, its key there, and what its hash has to be."""
        digest = self.digest(url)
        if url in self.manifest.document["static"].values():
            return "edgekit-static", url, digest
        return f"edgekit-release-{self.id}", f"/_edge/sha256/{digest}", digest

    def digest(self, url: str) -> str:
        return str(self.manifest.document["files"][url]["sha256"])


def build_small(folder: Path, version: str) -> Built:
    """Build the app; the machine's own build cache is used."""
    app = folder / "app"
    (app / "small" / "static").mkdir(parents=True)
    (app / "small" / "__init__.py").write_text("")
    (app / "small" / "app.py").write_text(APP.format(version=version))
    (app / "small" / "static" / "version.txt").write_text(version)
    (app / "small" / "static" / "version.css").write_text(f":root {{ --version: {version}; }}")
    (app / "small" / "static" / "version.js").write_text(f"globalThis.version = '{version}';")
    (app / "small" / "requirements.txt").write_text("")
    out = folder / "out"
    manifest = build("small.app:app", out, app_dir=app, quality=0)
    listed = manifest.document["files"].items()
    return Built(
        version, manifest, [Asset(url, out / url[1:], file["sha256"], file["size"]) for url, file in listed]
    )


def unlike(built: Built, folder: Path, change: Callable[[str, bytes], bytes] | None = None) -> Built:
    """The same release with no byte range in common that counts: every file has another content and name.

    `change(name, content)` may do more to a file of the kit.
    """
    groups: dict[str, dict[str, Asset]] = {}
    for one in built.assets:
        groups.setdefault(one.url.rpartition("/")[0], {})[one.url.rpartition("/")[2]] = one
    moved: dict[str, Asset] = {}
    for prefix, members in groups.items():
        target = folder / prefix[1:]
        target.mkdir(parents=True)
        kind = prefix.split("/")[2]
        for name, one in members.items():
            content = one.source.read_bytes()
            if change and kind in ("kit", "worker"):
                content = change(name, content)
            (target / name).write_bytes(_unlike(name, content))
        if kind in ("kit", "pyodide"):
            made = place_together(kind, target, members)
        else:
            made = {name: place(kind, name, target / name) for name in members}
        moved |= {one.url: made[name] for name, one in members.items()}
    document = built.manifest.document
    kit = next(new.url for old, new in moved.items() if old.endswith("/service-worker.js"))
    roles = {
        role: moved[url].url if url in moved else kit.removesuffix("service-worker.js")
        for role, url in document["roles"].items()
    }
    members = {key: value for key, value in document.items() if key not in ("format", "files", "release")}
    static = {public: moved[url].url for public, url in document["static"].items()}
    assets = list(moved.values())
    return Built(built.version, make_manifest({**members, "roles": roles, "static": static}, assets), assets)


def _unlike(name: str, content: bytes) -> bytes:
    match name.rpartition(".")[2]:
        case "js" | "mjs" | "css":
            return content + b"\n/* unlike */\n"
        case "wasm":
            return content + WASM_CUSTOM_SECTION
        case "zip":
            target = io.BytesIO(content)
            with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as archive:
                archive.writestr("unlike.txt", "")
            return target.getvalue()
        case _:
            return content


class Wire:
    """What goes to browsers; it may be cut, at once or after a number of bytes. For the test's own thread."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.is_cut = False
        self.ends: set[asyncio.Transport] = set()
        self.loop: asyncio.AbstractEventLoop | None = None  # of the server

    def cut_after(self, count: int) -> None:
        self._do(lambda: setattr(self, "left", count))

    def cut(self) -> None:
        self._do(self.break_off)

    def mend(self) -> None:
        def work() -> None:
            self.left, self.is_cut = None, False

        self._do(work)

    def break_off(self) -> None:
        """`cut`, from within the server."""
        self.is_cut = True
        for end in set(self.ends):
            end.abort()

    def _do(self, work: Callable[[], None]) -> None:
        assert self.loop is not None
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (work(), self.loop.call_soon(done.set)))  # type: ignore[union-attr]
        done.wait()


class End:
    """A transport that counts what is written, and breaks off where the wire is cut."""

    def __init__(self, transport: asyncio.Transport, wire: Wire) -> None:
        self._transport = transport
        self._wire = wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        wire = self._wire
        if wire.left is not None:
            data = data[: wire.left]
            wire.left -= len(data)
        self._transport.write(data)
        if wire.left == 0:
            self._transport.close()  # after what was written
            wire.ends.discard(self._transport)
            wire.break_off()


@dataclass
class Site:
    """A native host that serves the releases in `folder`, and pages that say "edge"."""

    folder: Path
    wire: Wire = field(default_factory=Wire)
    tampered: set[str] = field(default_factory=set)  # paths of which one byte is wrong on the way
    is_kept: bool = True  # by HTTP caches; else browsers have to fetch everything anew
    slow: threading.Event = field(default_factory=threading.Event)  # set: /slow answers
    requests: list[str] = field(default_factory=list)
    password: str = ""  # that a proxy in front asks everybody for (Basic), with the user "guest"
    url: str = ""

    def publish(self, built: Built, **options: Any) -> None:
        publish(self.folder, built.manifest, built.assets, {}, **{"now": 1_700_000_000, **options})

    def use(self, built: Built) -> None:
        history.use(self.folder, built.id, 1_700_000_000)

    def stop(self) -> None:
        history.stop(self.folder)

    @contextmanager
    def serve(self) -> Iterator[Site]:
        """Answer until the end of the block."""
        server = uvicorn.Server(
            uvicorn.Config(
                self._app(), http=self._protocol(), port=0, log_level="critical", lifespan="off", ws="none"
            )
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            assert thread.is_alive()
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.slow.set()
            server.should_exit = server.force_exit = True
            thread.join()

    def _protocol(self) -> type[asyncio.Protocol]:
        wire = self.wire

        class Protocol(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                wire.loop = asyncio.get_running_loop()
                wire.ends.add(transport)
                super().connection_made(End(transport, wire))  # type: ignore[arg-type]
                if wire.is_cut:
                    transport.abort()

            def connection_lost(self, exc: Exception | None) -> None:
                wire.ends.discard(self.transport._transport)
                super().connection_lost(exc)

        return Protocol

    def _knows(self, scope: Any) -> bool:
        word = b64encode(f"guest:{self.password}".encode())
        return (b"authorization", b"Basic " + word) in scope["headers"]

    def _app(self) -> Any:
        async def show(request: Request) -> HTMLResponse:
            return HTMLResponse("<!doctype html><link rel=icon href=data:,><h1>edge</h1>")

        async def styled(request: Request) -> HTMLResponse:
            style = context(request).static("/static/version.css")
            return HTMLResponse(
                f"<!doctype html><link rel=icon href=data:,><link rel=stylesheet href={style}>"
            )

        async def slow(request: Request) -> PlainTextResponse:
            await run_in_threadpool(self.slow.wait)
            return PlainTextResponse("slow")

        async def version(request: Request) -> PlainTextResponse:
            return PlainTextResponse("edge")

        routes = [
            Route("/", show),
            Route("/styled", styled),
            Route("/slow", slow),
            Route("/static/version.txt", version),
        ]
        app = Stateless(Starlette(routes=routes))
        app.bind(host(Settings(release=self.folder), {}))

        async def site(scope: Any, receive: Any, send: Any) -> None:
            path = scope["path"]
            self.requests.append(path)
            if self.password and not self._knows(scope):
                refusal = PlainTextResponse("Who?", 401, {"www-authenticate": 'Basic realm="site"'})
                await refusal(scope, receive, send)
                return
            at = 0

            async def damaged(message: Any) -> None:
                nonlocal at
                if message["type"] == "http.response.start" and not self.is_kept:
                    kept = [pair for pair in message["headers"] if pair[0] != b"cache-control"]
                    message = {**message, "headers": [*kept, (b"cache-control", b"no-store")]}
                body = message.get("body", b"")
                if body and at == 0 and path in self.tampered:
                    middle = len(body) // 2
                    body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
                    message = {**message, "body": body}
                at += len(body)
                await send(message)

            await app(scope, receive, damaged)

        return site
