"""Key files: which ones the origin starts with, and what it says about the others."""

from __future__ import annotations

import json
import os

import pytest

from edge.errors import Problem
from edge.keys import NativeKeys, fixed, generate
from edge.keyset import KeySet
from edge.tokens import mint_revocations, open_revocations
from origin.errors import StartError
from origin.keys import load_own, load_verifier


def test_the_public_set_is_loaded(tmp_path, public_keys, clock):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(public_keys))
    assert load_verifier(file, clock, clock).jwks == public_keys


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "not a JWK set"),
        ('{"keys": []}', "the set is empty"),
        ('{"keys": [{"kty": "EC"}]}', "neither ES256"),
        ('{"keys": [{"d": "secret"}]}', "neither ES256"),
    ],
)
def test_bad_key_files_are_named(tmp_path, clock, content, reason):
    file = tmp_path / "keys.json"
    file.write_text(content)
    with pytest.raises(
        StartError, match=rf"keys\.json is not a usable set of public keys: .*{reason}"
    ) as caught:
        load_verifier(file, clock, clock)
    assert "secret" not in str(caught.value)


def test_private_keys_are_refused(tmp_path, edge_keys, clock):
    file = tmp_path / "keys.json"
    for private in edge_keys["keys"]:
        file.write_text(json.dumps({"keys": [private]}))
        with pytest.raises(StartError, match="holds a private key"):
            load_verifier(file, clock, clock)


def test_a_missing_key_file_is_named(tmp_path, clock):
    with pytest.raises(StartError, match=r"keys\.json"):
        load_verifier(tmp_path / "keys.json", clock, clock)


@pytest.mark.anyio
async def test_new_keys_of_the_edges_are_seen_without_a_restart(tmp_path, public_keys, clock):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(public_keys))
    verifier = load_verifier(file, clock, clock)
    newer = generate()
    signer = NativeKeys(fixed(newer), clock)
    token = await mint_revocations(signer, 0, [], clock())
    with pytest.raises(Problem, match="unauthorized"):
        await open_revocations(token, verifier, clock())
    both = {"keys": public_keys["keys"] + KeySet(newer).public(0)["keys"]}
    file.write_text(json.dumps(both))
    clock.now += 5
    await open_revocations(token, verifier, clock())


@pytest.mark.anyio
async def test_the_own_keys_are_made_once_and_are_nobody_elses(tmp_path, clock):
    first = load_own(tmp_path, clock, clock)
    again = load_own(tmp_path, clock, clock)
    assert first.jwks == again.jwks == json.loads((tmp_path / "origin-public.json").read_bytes())
    assert os.stat(tmp_path / "origin-private.json").st_mode & 0o777 == 0o600
    await open_revocations(await mint_revocations(first, 0, [], clock()), again, clock())


def test_own_keys_that_cannot_be_read_are_named(tmp_path, clock):
    (tmp_path / "origin-private.json").write_text("{}")
    with pytest.raises(StartError, match=r"origin-private\.json is not a usable set of keys"):
        load_own(tmp_path, clock, clock)
