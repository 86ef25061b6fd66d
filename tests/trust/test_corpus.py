"""Hostile tokens, on both back ends: none is accepted, and nothing but "unauthorized" comes back."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from edge.errors import Problem
from edge.keys import KeyFile, NativeKeys, save
from edge.keyset import KeySet
from edge.release.toolchain import find_node
from edge.tokens import open_view

# Attacks that one checker in front of all libraries has to stop (those that are about tokens).
CVES = {
    *(
        "CVE-2015-9235",
        "CVE-2016-10555",
        "CVE-2018-0114",
        "CVE-2022-21449",
        "CVE-2022-29217",
        "CVE-2022-39227",
    ),
    *(
        "CVE-2024-28102",
        "CVE-2024-33663",
        "CVE-2024-33664",
        "CVE-2024-53861",
        "CVE-2025-45768",
        "CVE-2025-59420",
    ),
    *(
        "CVE-2026-32597",
        "CVE-2026-48522",
        "CVE-2026-48523",
        "CVE-2026-48524",
        "CVE-2026-48525",
        "CVE-2026-48526",
    ),
}


def question(corpus, kind, token, **more):
    return {"do": "verdict", "jwks": corpus.KEYS, "kind": kind, "token": token, **more}


def test_good_tokens_are_accepted(ask, corpus):
    asked = [question(corpus, kind, token) for kind, token in corpus.GOOD.items()]
    assert ask(asked) == ["accepted"] * 7


def test_each_back_end_reads_what_the_other_makes(native, webcrypto, corpus):
    kinds = [kind for kind in corpus.KINDS if kind != "proof"]
    mint = [{"do": "mint", "jwks": corpus.KEYS, "kind": kind} for kind in kinds]
    for maker, reader in ((native, webcrypto), (webcrypto, native)):
        tokens = maker.ask(mint)
        asked = [question(corpus, kind, token) for kind, token in zip(kinds, tokens, strict=True)]
        assert reader.ask(asked) == ["accepted"] * len(kinds)


def test_both_seal_derive_and_publish_the_same(ask, corpus):
    sealed = [{"do": "mint", "jwks": corpus.KEYS, "kind": kind} for kind in corpus.SEALED]
    ask([*sealed, {"do": "macs", "jwks": corpus.KEYS, "label": "form", "message": "00"}])
    (published,) = ask([{"do": "published", "jwks": corpus.KEYS}])
    secrets = [value for row in corpus.KEYS["keys"] for name, value in row.items() if name in ("d", "k")]
    assert not [secret for secret in secrets if secret in json.dumps(published)]


def test_no_hostile_token_is_accepted(ask, corpus):
    tokens = list(corpus.hostile())
    names = Counter((token.kind, token.name) for token in tokens)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(tokens) >= 100
    assert {cve for cve in CVES if any(token.name.startswith(cve) for token in tokens)} == CVES
    verdicts = ask([question(corpus, token.kind, token.token, repeat=token.repeat) for token in tokens])
    judged = zip(tokens, verdicts, strict=True)
    assert [(token.kind, token.name, verdict) for token, verdict in judged if verdict != "unauthorized"] == []


def test_no_damaged_token_is_accepted(ask, corpus):
    """Every single-bit flip and every truncation of a good token of each kind."""
    asked = [
        {"do": "sweep", "jwks": corpus.KEYS, "kind": kind, "token": token}
        for kind, token in corpus.GOOD.items()
    ]
    for (kind, token), found in zip(corpus.GOOD.items(), ask(asked), strict=True):
        assert found["verdicts"] == {"unauthorized": 10 * len(token)}, kind


def test_an_unknown_key_id_fetches_and_reads_nothing(corpus, tmp_path, monkeypatch):
    """CVE-2026-48524: a token must not make anybody look for keys."""
    file, looks = tmp_path / "keys.json", []
    save(file, corpus.KEYS, 0)
    keys = NativeKeys(KeyFile(file, lambda: 0.0), lambda: corpus.NOW)
    monkeypatch.setattr(KeyFile, "_mark", lambda self: looks.append(1))
    token = corpus.make("view", {**corpus.header_of("view"), "kid": "unknown"})
    for _ in range(100):
        with pytest.raises(Problem):
            asyncio.run(open_view(token, keys, corpus.NOW))
    assert looks == []


# Well signed by an edge, and read all the same by the service worker: time is not its business (an old view
# still tells what the user last saw), and JSON.parse is more forgiving.
ONLY_AN_EDGE_COULD = {
    *("claims: iat twice", "claims: a nested member twice", "claims: 600 levels"),
    *("iat a float", "iat in a minute", "iat in milliseconds", "exp a float", "exp reached"),
}


def test_the_service_worker_refuses_the_same_views(corpus, judge):
    """browser/view.js is the third reader of views."""
    hostile = [token for token in corpus.hostile() if token.kind == "view" and isinstance(token.token, str)]
    tokens = [token.token * token.repeat for token in hostile]
    damaged = list(judge.damage(corpus.GOOD["view"]))
    good = corpus.make("view", json.dumps(corpus.header_of("view"), separators=(",", ":")))
    asked = {"jwks": KeySet(corpus.KEYS).public(corpus.NOW), "tokens": [good, *damaged, *tokens]}
    command = [find_node(), Path(__file__).with_name("read_views.mjs")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    first, *verdicts = json.loads(done.stdout)
    assert first is True
    assert not any(verdicts[: len(damaged)])
    accepted = zip(hostile, verdicts[len(damaged) :], strict=True)
    assert {token.name for token, verdict in accepted if verdict} <= ONLY_AN_EDGE_COULD
