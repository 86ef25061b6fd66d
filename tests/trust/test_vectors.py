"""Published vectors, on both back ends: what is wrong is refused, what is right comes out as printed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from pathlib import Path

import pytest

from edge.jose import decode_segment, encode_segment, thumbprint
from edge.wire import encode_json

FOLDER = Path(__file__).with_name("vectors")
RFC = json.loads((FOLDER / "rfc.json").read_text())


def load(name):
    """(group, test) pairs of a file."""
    groups = json.loads((FOLDER / f"wycheproof_{name}.json").read_text())["groups"]
    return [(group, test) for group in groups for test in group["tests"]]


def point(uncompressed):
    raw = bytes.fromhex(uncompressed)
    return {"kty": "EC", "crv": "P-256", "x": encode_segment(raw[1:33]), "y": encode_segment(raw[33:])}


# Wycheproof


def test_ecdsa_signatures(ask):
    pairs = load("ecdsa")
    answers = ask(
        [
            {
                "do": "signed_by",
                "jwk": point(group["publicKey"]),
                "message": test["msg"],
                "signature": test["sig"],
            }
            for group, test in pairs
        ]
    )
    wrong = [
        (test["tcId"], found) for (_, test), found in zip(pairs, answers, strict=True) if found != good(test)
    ]
    assert wrong == []
    assert Counter(answers) == {True: 173, False: 89}


def good(test):
    return test["result"] == "valid"


def test_aes_gcm(ask):
    tests = [test for _, test in load("aes_gcm")]
    sets = [{"keys": [oct_row(bytes.fromhex(test["key"]))]} for test in tests]
    common = [
        {"jwks": jwks, "kid": "vector", "iv": test["iv"], "aad": test["aad"]}
        for jwks, test in zip(sets, tests, strict=True)
    ]
    unsealed = ask(
        [
            {"do": "unseal", **parts, "sealed": test["ct"] + test["tag"]}
            for parts, test in zip(common, tests, strict=True)
        ]
    )
    assert unsealed == [test["msg"] if good(test) else None for test in tests]
    sealed = ask(
        [{"do": "seal", **parts, "message": test["msg"]} for parts, test in zip(common, tests, strict=True)]
    )
    assert [made == test["ct"] + test["tag"] for made, test in zip(sealed, tests, strict=True)] == list(
        map(good, tests)
    )
    assert Counter(map(good, tests)) == {True: 39, False: 27}


def oct_row(key):
    return {"kty": "oct", "k": encode_segment(key), "kid": "vector", "use": "enc", "alg": "A256GCM"}


@pytest.mark.parametrize("name", ["jws", "jwk"])
def test_signed_tokens_and_their_keys(ask, corpus, name):
    pairs = load(name)
    sets = [group["set"] if name == "jwk" else {"keys": [group["key"]]} for group, _ in pairs]
    answers = ask(
        [
            {"do": "jws", "document": jwks, "token": test["jws"]}
            for jwks, (_, test) in zip(sets, pairs, strict=True)
        ]
    )
    judged = zip(pairs, answers, strict=True)
    assert [test["tcId"] for (_, test), answer in judged if (answer is True) != good(test)] == []
    assert Counter(map(str, answers)) == {"jws": EXPECTED_JWS, "jwk": {"no key set": len(pairs)}}[name]
    # None of them is one of ours, whoever signed it.
    asked = [
        {"do": "verdict", "jwks": corpus.KEYS, "kind": kind, "token": test["jws"]}
        for kind in ("view", "proof")
        for _, test in pairs
    ]
    assert set(ask(asked)) == {"unauthorized"}


EXPECTED_JWS = {"True": 3, "False": 51, "no key set": 2}


def test_encrypted_tokens(ask, corpus):
    asked = [
        {"do": "verdict", "jwks": corpus.KEYS, "kind": kind, "token": test["jwe"]}
        for kind in corpus.SEALED
        for _, test in load("jwe")
    ]
    assert len(asked) > 30
    assert set(ask(asked)) == {"unauthorized"}


# RFCs


def test_rfc_7515_appendix_a_3(ask):
    example = RFC["7515 A.3"]
    message, _, signature = example["token"].rpartition(".")
    raw = decode_segment(signature)
    asked = [
        {"do": "signed_by", "jwk": example["jwk"], "message": signed.encode().hex(), "signature": raw.hex()}
        for signed in (message, message + "A")
    ]
    assert ask(asked) == [True, False]


def test_rfc_7516_appendix_a_1_after_its_key_is_unwrapped(ask):
    example = RFC["7516 A.1"]
    parts = {
        "jwks": {"keys": [oct_row(bytes(example["cek"]))]},
        "kid": "vector",
        "iv": bytes(example["iv"]).hex(),
        "aad": example["header"].encode().hex(),
    }
    message = example["plaintext"].encode().hex()
    sealed = (decode_segment(example["ciphertext"]) + decode_segment(example["tag"])).hex()
    assert ask(
        [{"do": "seal", **parts, "message": message}, {"do": "unseal", **parts, "sealed": sealed}]
    ) == [
        sealed,
        message,
    ]


def test_rfc_7519_section_3_1(ask, corpus):
    example = RFC["7519 3.1"]
    message = ".".join(encode_segment(example[part].encode()) for part in ("header", "claims"))
    digest = hmac.digest(decode_segment(example["secret"]), message.encode(), "sha256")
    assert f"{message}.{encode_segment(digest)}" == example["token"]
    # It is well made, and of an algorithm that we have not.
    asked = {
        "do": "verdict",
        "jwks": corpus.KEYS,
        "kind": "view",
        "token": example["token"],
        "now": 1300819000,
    }
    assert ask([asked]) == ["unauthorized"]


def test_rfc_7638_section_3_1():
    # Its key is of RSA, which we have not: the same steps over the members that RSA requires.
    digest = hashlib.sha256(encode_json(RFC["7638 3.1"]["required"])).digest()
    assert encode_segment(digest) == RFC["7638 3.1"]["thumbprint"]


def test_rfc_9449(ask):
    example = RFC["9449 4.1"]
    now = example["claims"]["iat"]
    jkt = RFC["9449 6.1"]["jkt"]
    asked = [{"do": "proof", "token": example["proof"], "now": time} for time in (now - 30, now + 30)]
    assert ask(asked) == [[example["claims"], jkt]] * 2
    asked = [
        {"do": "verdict", "jwks": {"keys": []}, "kind": "proof", "token": example["proof"], "now": now + 31}
    ]
    assert ask(asked) == ["unauthorized"]
    jwk = json.loads(decode_segment(example["proof"].split(".")[0]))["jwk"]
    assert thumbprint(jwk) == jkt
    token_hash = hashlib.sha256(RFC["9449 7.1"]["access_token"].encode()).digest()
    assert encode_segment(token_hash) == RFC["9449 7.1"]["ath"]
