"""The last look at a release before it is published: nothing in it may be a secret.

Searched are the app's sources and static files, every other file of the release and its manifest, each after
decompression: for the secrets of this machine (canaries.py), for what looks like a secret anywhere
(secret_kinds.py), and the app's own files for random or hard-coded strings (literals.py).

A false alarm is allowed by the comment `edgekit: not-secret` on its line. Where there can be no comment, a
line `path: kind` in the file `edgekit.not-secret`, beside the app or in its folder, does the same: written
as in the message, without the line number; the path may have `*` in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from . import literals, secret_kinds
from .archive import Files
from .cache import Cache, digest
from .canaries import FILE_LIMIT, canaries, forms
from .failure import BuildError
from .manifest import MANIFEST_PATH, Asset, Manifest
from .secret_kinds import Hit
from .sources import ALLOWED, Target
from .unpacked import Unreadable, unpacked

COMMENT = b"edgekit: not-secret"
CLOSED = "archive that cannot be looked into"
KEY_FILE = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:jks|kdbx|keystore|p12|pfx|ppk)|\.env(?:\..*)?|\.netrc"
)
NOISE = re.compile(rb"""\\[nr]|[\s"'+,]""")  # may stand within a secret in source code, and is no part of it
SMALL = 65_536  # bytes that are looked through faster than a cache is
LINE = b"\n"
SHOWN = 50  # findings


class File(NamedTuple):
    """A file to be searched. `own`: the project's and not a package's, which may have examples in it;
    `compiled`: from sources that have been searched before, so that what they showed is not shown again."""

    path: str
    content: bytes
    own: bool = True
    compiled: bool = False


class Finding(NamedTuple):
    """Where something looks like a secret, never the secret itself. `place`: a line, a byte, or nothing."""

    path: str
    place: str
    kind: str

    def __str__(self) -> str:
        return f"{self.path}{self.place}: {self.kind}"


class Search:
    """Goes through the files of one release, the app's sources first: they have lines and comments.

    `canaries`: secret values by what to call them; `allowed`: pairs of a path pattern and a kind.
    """

    def __init__(
        self, canaries: Mapping[str, Iterable[str]], allowed: Iterable[tuple[str, str]], cache: Cache
    ) -> None:
        self._canaries = sorted(
            (name, form) for name in canaries for value in canaries[name] for form in forms(value)
        )
        # Names entries of a cache that others may come to see, so it must not help to guess.
        told = repr(self._canaries).encode()
        self._key = hashlib.scrypt(told, salt=b"edgekit", n=2**14, r=8, p=1).hex() if canaries else ""
        self._allowed = list(allowed)
        self._cache = cache
        self._shown: set[bytes] = set()
        self._excused: set[bytes] = set()  # by a comment
        self.findings: list[Finding] = []
        self.cached = True  # until something large is met that is new

    def look(self, file: File) -> None:
        """Look into a file and all that is packed in it."""
        if self._is_clean(file):
            return
        try:
            for path, content in unpacked(file.path, file.content):
                one = file._replace(path=path, content=content)
                for hit, value in self._hits(one):
                    self._judge(one, hit, value)
        except Unreadable as error:
            self._note(Finding(str(error), "", CLOSED))

    def conclude(self) -> None:
        """Raise `BuildError` if anything was found."""
        if not self.findings:
            return
        lines = [str(finding) for finding in self.findings]
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        raise BuildError(
            f"The release would publish what looks like a secret ({lines[0]}{more}): keep it in the "
            "environment or behind `import edge.server_only`; "
            f"if it is none, say `{COMMENT.decode()}` on its line.",
            "\n".join(lines[:SHOWN]),
        )

    def _is_clean(self, file: File) -> bool:
        def look() -> bool:
            try:
                parts = unpacked(file.path, file.content)
                return not any(True for part in parts for _ in self._hits(File(*part, file.own)))
            except Unreadable:
                return False

        if len(file.content) < SMALL:
            return look()
        key = digest(secret_kinds.VERSION, self._key, file.path, str(file.own), file.content)
        is_clean, cached = self._cache.json("secrets", key, look)
        self.cached = self.cached and cached
        return bool(is_clean)

    def _hits(self, file: File) -> Iterator[tuple[Hit, bytes]]:
        """What looks like a secret, and that as it stands in other places too."""
        for name, form in self._canaries:
            at = file.content.find(form)
            if at >= 0:
                yield Hit(f"value of {name}", at, at + len(form)), name.encode()
        for hit in _suspects(file):
            yield hit, NOISE.sub(b"", file.content[hit.start : hit.end])

    def _judge(self, file: File, hit: Hit, value: bytes) -> None:
        content = file.content
        first, end = content.rfind(b"\n", 0, hit.start) + 1, content.find(b"\n", hit.end)
        is_text = b"\0" not in content
        if is_text and COMMENT in content[first : end if end >= 0 else None]:
            self._excused.add(value)
        if value in self._excused or (file.compiled and value in self._shown):
            return
        self._shown.add(value)
        place = f":{content.count(LINE, 0, hit.start) + 1}" if is_text else f", byte {hit.start}"
        if not any((one.path, one.place) == (file.path, place) for one in self.findings):
            self._note(Finding(file.path, place, hit.kind))

    def _note(self, finding: Finding) -> None:
        allowed = (kind == finding.kind and fnmatchcase(finding.path, path) for path, kind in self._allowed)
        if not any(allowed):
            self.findings.append(finding)


def _suspects(file: File) -> Iterator[Hit]:
    if file.own and KEY_FILE.fullmatch(file.path.rpartition("/")[2]):
        yield Hit("key file", 0, len(file.content))
    yield from secret_kinds.find(file.content, own=file.own)
    if file.own:
        yield from literals.find(file.path, file.content)


def read_allowed(target: Target) -> list[tuple[str, str]]:
    """What the project has declared harmless: pairs of a path pattern and a kind."""
    found = []
    for file in (target.app_dir / ALLOWED, target.app_dir / target.top / ALLOWED):
        for line in file.read_text("utf-8").splitlines() if file.is_file() else ():
            path, colon, kind = line.partition("#")[0].strip().rpartition(": ")
            if colon:
                found.append((path, kind))
    return found


def check(
    target: Target,
    sources: Files,
    manifest: Manifest,
    assets: Iterable[Asset],
    environment: Mapping[str, str],
    cache: Cache,
) -> tuple[int, bool]:
    """Search a release: how many files, and whether all large ones were known from before.

    `environment` is where the secrets of this machine are. Raises `BuildError` if one is in the release, or
    what looks like one.
    """
    search = Search(canaries(environment, _read_small), read_allowed(target), cache)
    public = {stored: path for path, stored in manifest.document["static"].items()}
    files = [File(path, content) for path, content in sources.items()]
    files.append(File(MANIFEST_PATH, manifest.encoded))
    for one in assets:
        kind, _, name = one.url.split("/")[2:5]
        own = kind in ("app", "static")
        files.append(File(public.get(one.url, name), one.source.read_bytes(), own, kind == "app"))
    for file in files:
        search.look(file)
    search.conclude()
    return len(files), search.cached


def _read_small(path: str) -> bytes | None:
    """A file that a variable names, if it is one and small: a key or a password, not a data set."""
    file = Path(path).expanduser()
    try:
        return file.read_bytes() if file.is_file() and file.stat().st_size <= FILE_LIMIT else None
    except OSError:
        return None
