"""Proofs that the browser's JavaScript makes, as the edge's Python judges them."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pytest

from edge.errors import Problem
from edge.jose import PROOF_WINDOW, encode_segment, verify_proof
from edge.keys import NativeKeys, fixed, generate
from edge.proof import NONCE_LIFE, PIECE, Proof, Proofs

HERE = Path(__file__).parent
SID = "s" * 22
SHOP = "https://shop.test"
NOW = 1_767_225_600

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def made() -> Iterator[Ask]:
    """`made(method, url, …)`: what the browser's code makes for a request."""
    command = ["node", HERE / "prove.js"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield _Asking(process.stdin, process.stdout)


class _Asking:
    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions = questions
        self._answers = answers

    def __call__(
        self, method: str = "GET", url: str = f"{SHOP}/", *, at: float = NOW, **more: Any
    ) -> dict[str, Any]:
        if "body" in more:
            more["body"] = base64.b64encode(more["body"]).decode()
        self._questions.write(json.dumps({"method": method, "url": url, "at": at * 1000, **more}) + "\n")
        self._questions.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer


@pytest.fixture(scope="module")
def keys() -> NativeKeys:
    return NativeKeys(fixed(generate()), time.time)


class Edge:
    """The judge, at a time that a test sets."""

    def __init__(self, keys: NativeKeys) -> None:
        self.now = float(NOW)
        self.proofs = Proofs(keys.verify_proof_signature, keys, lambda: self.now, lambda: self.now)

    def check(self, proof: str, method: str = "GET", url: str = f"{SHOP}/", **headers: str) -> Proof | None:
        parts = urlsplit(url)
        fields = {"host": parts.netloc, "dpop": proof, **{k.replace("_", "-"): v for k, v in headers.items()}}
        scope = {
            "method": method,
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        }
        return asyncio.run(self.proofs.check(scope))


@pytest.fixture
def edge(keys: NativeKeys) -> Edge:
    return Edge(keys)


def test_a_proof_of_the_browser_is_good_and_names_its_key(made: Ask) -> None:
    answer = made()
    claims, jkt = asyncio.run(verify_proof(answer["proof"], NativeKeys.verify_proof_signature, now=NOW))
    assert jkt == answer["jkt"]
    assert (claims["htm"], claims["htu"], claims["htq"], claims["iat"]) == ("GET", f"{SHOP}/", "", NOW)


@pytest.mark.parametrize(
    "path",
    ["/", "/a/b", "/a%20b?q=1", "/?", "/?a=b&a=%C3%BC&&", "/tee/%E7%85%8E", "/a;b=(1)~*'!$&,:@", "/x?y=/z?"],
)
def test_it_fits_the_request_as_it_arrives(made: Ask, edge: Edge, path: str) -> None:
    found = edge.check(made(url=SHOP + path, sid=SID)["proof"], url=SHOP + path)
    assert found is not None
    assert found.names(SID)
    assert not found.names("t" * 22)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_it_covers_the_body(made: Ask, edge: Edge, size: int) -> None:
    body = b"tea" * (size // 3) + b"x" * (size % 3)
    found = edge.check(made("POST", body=body, ik="key")["proof"], "POST", idempotency_key="key")
    assert found is not None
    assert found.covers(body)
    assert not found.covers(body + b"!")


def test_a_form_that_brings_its_own_key_has_none_in_the_header(made: Ask, edge: Edge) -> None:
    assert edge.check(made("POST", ik="")["proof"], "POST") is not None
    assert edge.check(made("POST", ik="")["proof"], "POST", idempotency_key="key") is None


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("HEAD", f"{SHOP}/a?b=c"),
        ("GET", f"{SHOP}/a"),
        ("GET", f"{SHOP}/a?b=d"),
        ("GET", f"{SHOP}/A?b=c"),
        ("GET", "https://other.test/a?b=c"),
        ("GET", "http://shop.test/a?b=c"),
    ],
)
def test_for_another_request_it_is_worth_nothing(made: Ask, edge: Edge, method: str, url: str) -> None:
    assert edge.check(made(url=f"{SHOP}/a?b=c")["proof"], method, url) is None


def test_it_is_good_once(made: Ask, edge: Edge) -> None:
    proof = made()["proof"]
    checked = [edge.check(proof) for _ in range(2)]
    assert [found is not None and edge.proofs.admit(found) for found in checked] == [True, False]


def test_it_is_good_for_as_long_as_clocks_may_differ(made: Ask, edge: Edge) -> None:
    for late, good in ((PROOF_WINDOW, True), (PROOF_WINDOW + 1, False), (-PROOF_WINDOW, True), (-31, False)):
        edge.now = NOW + late
        assert (edge.check(made()["proof"]) is not None) is good, f"{late} s late"


def test_a_nonce_is_fresh_in_its_period_and_in_the_next(made: Ask, edge: Edge) -> None:
    nonce = edge.proofs.nonce()
    freshness = []
    for period in range(3):
        edge.now = NOW + period * NONCE_LIFE
        found = edge.check(made(nonce=nonce, at=edge.now)["proof"])
        assert found is not None
        freshness.append(found.fresh)
    assert freshness == [True, True, False]


def test_what_was_changed_on_the_way_is_refused(made: Ask) -> None:
    head, payload, signature = made()["proof"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = encode_segment(json.dumps({**claims, "htu": f"{SHOP}/admin"}).encode())
    for forged in (f"{head}.{other}.{signature}", f"{head}.{payload}.{signature[:-4]}AAAA"):
        with pytest.raises(Problem, match="unauthorized"):
            asyncio.run(verify_proof(forged, NativeKeys.verify_proof_signature, now=NOW))
