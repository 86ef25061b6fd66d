"""Keys in files and in the libraries: the published examples, hot reload, who may read what."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from edge.jose import decode_segment, thumbprint
from edge.keys import (
    LOOK_AGAIN,
    KeyFile,
    Loaded,
    NativeKeys,
    fixed,
    generate,
    load,
    load_or_create,
    public_file,
    publish,
    save,
    source,
)
from edge.keyset import KeySet, rotated

# RFC 7515 appendix A.3
RFC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
RFC_MESSAGE = (
    b"eyJhbGciOiJFUzI1NiJ9"
    b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
RFC_SIGNATURE = decode_segment(
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RFC_ROW = {**RFC_JWK, "kid": "rfc", "use": "sig", "alg": "ES256"}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def native(document: dict[str, Any], now: float = 0) -> NativeKeys:
    return NativeKeys(fixed(document), lambda: now)


def row(use: str, **members: Any) -> dict[str, Any]:
    return next(row for row in generate()["keys"] if row["use"] == use) | members


# Signatures


def test_the_example_of_rfc_7515_verifies() -> None:
    keys = native({"keys": [RFC_ROW]})
    assert run(keys.verify("rfc", RFC_MESSAGE, RFC_SIGNATURE))
    assert not run(keys.verify("rfc", RFC_MESSAGE + b".", RFC_SIGNATURE))
    assert not run(keys.verify("rfc", RFC_MESSAGE, bytes([RFC_SIGNATURE[0] ^ 1]) + RFC_SIGNATURE[1:]))


def test_what_a_key_signs_its_public_half_verifies() -> None:
    document = generate()
    keys = native(document)
    signature = run(keys.sign(keys.kid, b"tea"))
    assert len(signature) == 64
    assert run(keys.verify(keys.kid, b"tea", signature))
    assert run(native(KeySet(document).public(0)).verify(keys.kid, b"tea", signature))


def test_another_key_does_not_verify() -> None:
    one, two = native(generate()), native(generate())
    signature = run(one.sign(one.kid, b"tea"))
    assert not run(two.verify(one.kid, b"tea", signature))
    assert not run(two.verify(two.kid, b"tea", signature))


@pytest.mark.parametrize("bad", [b"", b"\0" * 63, b"\0" * 64, b"\xff" * 64, b"\0" * 65])
def test_impossible_signatures_are_simply_false(bad: bytes) -> None:
    keys = native(generate())
    assert run(keys.verify(keys.kid, b"tea", bad)) is False
    assert run(NativeKeys.verify_proof_signature(RFC_JWK, b"tea", bad)) is False


def test_the_key_of_a_proof_is_the_one_it_names() -> None:
    public = {name: value for name, value in RFC_JWK.items() if name != "d"}
    assert run(NativeKeys.verify_proof_signature(public, RFC_MESSAGE, RFC_SIGNATURE)) is True
    assert run(NativeKeys.verify_proof_signature(public, RFC_MESSAGE, RFC_SIGNATURE[::-1])) is False
    off_curve = {**public, "y": public["x"]}
    assert run(NativeKeys.verify_proof_signature(off_curve, RFC_MESSAGE, RFC_SIGNATURE)) is False


# Sealing


def test_what_is_sealed_is_unsealed_with_the_same_key_iv_and_context() -> None:
    keys, iv = native(generate()), bytes(12)
    sealed = run(keys.seal(keys.sealing_kid, iv, b"tea", b"context"))
    assert len(sealed) == 3 + 16
    assert run(keys.unseal(keys.sealing_kid, iv, sealed, b"context")) == b"tea"
    for other in (
        (keys.kid, iv, sealed, b"context"),
        ("unknown", iv, sealed, b"context"),
        (keys.sealing_kid, bytes(11) + b"1", sealed, b"context"),
        (keys.sealing_kid, iv, sealed[:-1] + bytes([sealed[-1] ^ 1]), b"context"),
        (keys.sealing_kid, iv, sealed, b"other"),
        (keys.sealing_kid, iv, b"", b"context"),
    ):
        assert run(keys.unseal(*other)) is None


def test_a_public_set_neither_signs_nor_seals() -> None:
    keys = native(KeySet({"keys": [RFC_ROW]}).public(0))
    for work in (keys.sign("rfc", b""), keys.seal("rfc", bytes(12), b"", b"")):
        with pytest.raises(KeyError):
            run(work)


def test_codes_are_those_of_the_set() -> None:
    document = rotated(generate(), generate()["keys"], 100)
    keys = native(document, 50)
    assert keys.macs("form", b"m") == KeySet(document).macs("form", b"m", 50)
    assert len(keys.macs("form", b"m")) == 2
    assert keys.mac("form", b"m") == keys.macs("form", b"m")[0]


# Time


def test_the_clock_chooses_the_key_and_ends_it() -> None:
    now = 0.0
    first, second = row("sig", kid="first", exp=1000), row("sig", kid="second", nbf=10)
    seal_first, seal_second = row("enc", kid="seal-first", exp=1000), row("enc", kid="seal-second", nbf=10)
    keys = NativeKeys(fixed({"keys": [first, second, seal_first, seal_second]}), lambda: now)
    assert (keys.kid, keys.sealing_kid) == ("first", "seal-first")
    signature = run(keys.sign("first", b"tea"))
    sealed = run(keys.seal("seal-first", bytes(12), b"tea", b""))
    now = 10
    assert (keys.kid, keys.sealing_kid) == ("second", "seal-second")
    now = 999.9
    assert run(keys.verify("first", b"tea", signature))
    assert run(keys.unseal("seal-first", bytes(12), sealed, b"")) == b"tea"
    assert [key["kid"] for key in keys.jwks["keys"]] == ["first", "second"]
    now = 1000
    assert not run(keys.verify("first", b"tea", signature))
    assert run(keys.unseal("seal-first", bytes(12), sealed, b"")) is None
    assert [key["kid"] for key in keys.jwks["keys"]] == ["second"]


# New keys


def test_generated_sets_have_one_key_of_each_use_and_differ() -> None:
    one, two = generate(1.9), generate()
    signing, sealing = one["keys"]
    assert set(signing) == {"kty", "crv", "x", "y", "d", "kid", "use", "alg", "nbf"}
    assert set(sealing) == {"kty", "k", "kid", "use", "alg", "nbf"}
    assert signing["kid"] == thumbprint(signing)
    assert [row["nbf"] for row in one["keys"] + two["keys"]] == [1, 1, 0, 0]
    assert len({row["kid"] for row in one["keys"] + two["keys"]}) == 4
    assert len(KeySet(one).keys) == 2
    assert [row["use"] for row in generate(0, ["enc"])["keys"]] == ["enc"]


@pytest.mark.parametrize("change", [{"y": RFC_JWK["x"]}, {"d": RFC_JWK["x"]}])
def test_a_key_that_contradicts_itself_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Loaded({"keys": [RFC_ROW | change]})


# Files


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_key_file_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "keys"
    document = load_or_create(folder)
    assert load_or_create(folder) == document
    assert mode(folder / "edge-private.json") == 0o600
    assert sorted(file.name for file in folder.iterdir()) == ["edge-private.json", "edge-public.json"]
    assert load_or_create(folder, "origin") != document
    assert mode(folder / "origin-private.json") == 0o600


def test_public_file_holds_no_private_member_and_verifies(tmp_path: Path) -> None:
    keys = native(load_or_create(tmp_path))
    public = json.loads((tmp_path / "edge-public.json").read_bytes())
    assert not KeySet(public).private
    assert run(native(public).verify(keys.kid, b"tea", run(keys.sign(keys.kid, b"tea"))))


def test_the_public_file_is_written_again_at_each_start(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    before = (tmp_path / "edge-public.json").read_bytes()
    (tmp_path / "edge-public.json").unlink()
    load_or_create(tmp_path)
    assert (tmp_path / "edge-public.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("edge-private.json", "edge-public.json"),
        ("keys.json", "keys-public.json"),
        ("keys", "keys-public.json"),
    ],
)
def test_the_public_set_lies_beside_the_private_one(name: str, public: str) -> None:
    assert public_file(Path("data", name)) == Path("data", public)


def test_saving_leaves_no_draft_and_refuses_what_is_no_set(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("old")
    os.chmod(file, 0o644)
    with pytest.raises(ValueError, match="not a JWK set"):
        save(file, {}, 0)
    assert file.read_text() == "old"
    document = rotated(generate(), generate()["keys"], 0)
    save(file, document, 0)
    assert load(file) == document
    assert mode(file) == 0o600
    assert json.loads((tmp_path / "keys-public.json").read_bytes()) == KeySet(document).public(0)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_has_ended_is_published_no_more(tmp_path: Path) -> None:
    file, document = (
        tmp_path / "keys.json",
        {"keys": [row("sig", kid="ended", exp=10), row("sig", kid="good")]},
    )
    publish(file, document, 10)
    assert [key["kid"] for key in json.loads(public_file(file).read_bytes())["keys"]] == ["good"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": [{}]}'])
def test_a_file_that_is_no_set_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    for read in (load, lambda file: KeyFile(file, lambda: 0), lambda file: source(str(file), lambda: 0)):
        with pytest.raises(ValueError, match=r"."):
            read(file)
    with pytest.raises(OSError, match="none"):
        load(tmp_path / "none.json")


# Sources


def test_the_setting_is_a_path_or_the_set_itself(tmp_path: Path) -> None:
    document = load_or_create(tmp_path)
    file = source(str(tmp_path / "edge-private.json"), lambda: 0)
    text = source(f" {json.dumps(document)}", lambda: 0)
    assert file().set.public(0) == text().set.public(0) == KeySet(document).public(0)
    with pytest.raises(ValueError, match="not a JWK set"):
        source("{}", lambda: 0)
    with pytest.raises(OSError, match="none"):
        source(str(tmp_path / "none"), lambda: 0)


class Timer:
    """Seconds that only a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_changed_file_is_seen_within_seconds(tmp_path: Path) -> None:
    timer, file = Timer(), tmp_path / "keys.json"
    save(file, generate(), 0)
    keys = KeyFile(file, timer)
    first = keys()
    save(file, generate(), 0)
    timer.now += LOOK_AGAIN - 0.1
    assert keys() is first
    timer.now += 0.1
    second = keys()
    assert second.set.public(0) == KeySet(load(file)).public(0) != first.set.public(0)
    timer.now += LOOK_AGAIN
    assert keys() is second  # not read again while it stays as it is


def test_an_unchanged_file_is_looked_at_once_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer, file, looks = Timer(), tmp_path / "keys.json", []
    save(file, generate(), 0)
    keys = KeyFile(file, timer)
    monkeypatch.setattr(KeyFile, "_mark", lambda self: looks.append(1) or self._seen)
    for _ in range(3):
        keys()
    assert looks == []
    timer.now += LOOK_AGAIN
    for _ in range(3):
        keys()
    assert looks == [1]


@pytest.mark.parametrize("content", ["", '{"keys": [{}]}', None])
def test_a_file_that_breaks_leaves_the_last_good_keys(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    timer, file = Timer(), tmp_path / "keys.json"
    save(file, generate(), 0)
    keys = KeyFile(file, timer)
    good = keys()
    file.unlink() if content is None else file.write_text(content)
    timer.now += LOOK_AGAIN
    with caplog.at_level(logging.WARNING):
        assert keys() is good
    assert f"{file} cannot be used" in caplog.text
    save(file, generate(), 0)
    timer.now += LOOK_AGAIN
    assert keys() is not good


def test_rotation_while_it_runs_refuses_nothing(tmp_path: Path) -> None:
    """An edge and an origin, each with its own timer, over files that are rotated again and again."""
    now = 1_000_000.0
    file = tmp_path / "edge-private.json"
    save(file, generate(now), now)
    edge = NativeKeys(KeyFile(file, lambda: now), lambda: now)
    origin = NativeKeys(KeyFile(public_file(file), lambda: now + 3), lambda: now)
    used = set()
    for step in range(2000):
        if step % 200 == 50:
            document = rotated(load(file), generate()["keys"], now)
            document["keys"] = [key for key in document["keys"] if key.get("exp", now + 1) > now]
            save(file, document, now)
        used.add(edge.kid)
        assert run(origin.verify(edge.kid, b"m", run(edge.sign(edge.kid, b"m"))))
        sealed = run(edge.seal(edge.sealing_kid, bytes(12), b"m", b""))
        assert run(edge.unseal(edge.sealing_kid, bytes(12), sealed, b"")) == b"m"
        now += 1500
    assert len(used) == 11
