"""Keys in files, and ES256 against the published example."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest

from edge.keys import KeySigner, KeyVerifier, generate, load_or_create
from edge.tokens import decode_segment, public_set, thumbprint

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


def verify(verifier: KeyVerifier, kid: str, message: bytes, signature: bytes) -> bool:
    return asyncio.run(verifier.verify(kid, message, signature))


def test_the_example_of_rfc_7515_verifies() -> None:
    verifier = KeyVerifier(public_set(RFC_JWK))
    kid = thumbprint(RFC_JWK)
    assert verify(verifier, kid, RFC_MESSAGE, RFC_SIGNATURE)
    assert not verify(verifier, kid, RFC_MESSAGE + b".", RFC_SIGNATURE)
    assert not verify(verifier, kid, RFC_MESSAGE, bytes([RFC_SIGNATURE[0] ^ 1]) + RFC_SIGNATURE[1:])


def test_what_a_key_signs_its_public_half_verifies() -> None:
    jwk = generate()
    signer, verifier = KeySigner(jwk), KeyVerifier(public_set(jwk))
    signature = asyncio.run(signer.sign(b"tea"))
    assert len(signature) == 64
    assert verify(verifier, signer.kid, b"tea", signature)


def test_another_key_does_not_verify() -> None:
    signer, other = KeySigner(generate()), generate()
    signature = asyncio.run(signer.sign(b"tea"))
    verifier = KeyVerifier(public_set(other))
    assert not verify(verifier, signer.kid, b"tea", signature)
    assert not verify(verifier, thumbprint(other), b"tea", signature)


@pytest.mark.parametrize("bad", [b"", b"\0" * 63, b"\0" * 64, b"\xff" * 64, b"\0" * 65])
def test_impossible_signatures_are_simply_false(bad: bytes) -> None:
    jwk = generate()
    assert not verify(KeyVerifier(public_set(jwk)), thumbprint(jwk), b"tea", bad)


def test_generated_keys_differ_and_have_only_the_members_of_rfc_7518() -> None:
    one, two = generate(), generate()
    assert set(one) == {"kty", "crv", "x", "y", "d"}
    assert thumbprint(one) != thumbprint(two)


def test_key_file_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    jwk = load_or_create(folder)
    assert load_or_create(folder) == jwk
    assert stat.S_IMODE((folder / "edge-private.json").stat().st_mode) == 0o600
    assert sorted(file.name for file in folder.iterdir()) == ["edge-private.json", "edge-public.json"]


def test_public_file_holds_no_private_member_and_verifies(tmp_path: Path) -> None:
    jwk = load_or_create(tmp_path)
    public = json.loads((tmp_path / "edge-public.json").read_bytes())
    assert "d" not in public["keys"][0]
    signature = asyncio.run(KeySigner(jwk).sign(b"tea"))
    assert verify(KeyVerifier(public), thumbprint(jwk), b"tea", signature)
