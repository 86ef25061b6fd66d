"""`edgekit keys`: init, list, rotate, retire."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.key_commands import init, retire, rotate, show
from edge.keys import load, public_file
from edge.keyset import KNOWN_AHEAD, KeySet
from edge.tokens import LONGEST_LIFE

NOW = 1_767_225_600.0  # 2026-01-01 00:00:00 UTC
END = NOW + KNOWN_AHEAD + LONGEST_LIFE + KNOWN_AHEAD


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "keys" / "edge-private.json"
    init(file, NOW)
    return file


def kids(file: Path) -> list[str]:
    return [row["kid"] for row in load(file)["keys"]]


def public(file: Path) -> list[str]:
    return [row["kid"] for row in json.loads(public_file(file).read_bytes())["keys"]]


def test_nobody_else_may_change_what_a_command_makes(tmp_path: Path) -> None:
    """case T8: not even the folders around it, without any umask"""
    command = [
        Path(sys.executable).with_name("edgekit"),
        "keys",
        "init",
        "--keys",
        "data/keys/edge-private.json",
    ]
    subprocess.run(command, cwd=tmp_path, umask=0, check=True, capture_output=True)
    made = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert len(made) == 4
    assert [path.name for path in made if path.stat().st_mode & 0o022] == []


def test_init_makes_a_set_for_the_owner_alone_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "new" / "edge-private.json"
    told = init(file, NOW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [row["use"] for row in load(file)["keys"]] == ["sig", "enc"]
    assert told.splitlines() == [
        f"{kids(file)[0]}  signing  in use",
        f"{kids(file)[1]:<43}  sealing  in use",
        f"Private: {file}. Public, for the origin: {tmp_path / 'new' / 'edge-public.json'}.",
    ]
    assert public(file) == kids(file)[:1]


def test_init_overwrites_nothing(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(ValueError, match="exists; `edgekit keys rotate`"):
        init(file, NOW)
    assert file.read_bytes() == before


def test_no_command_prints_a_secret(file: Path) -> None:
    told = [show(file, NOW), rotate(file, NOW), retire(file, NOW, kids(file)[0]), show(file, END)]
    secrets = [value for row in load(file)["keys"] for name, value in row.items() if name in ("d", "k")]
    assert len(secrets) == 3
    assert not [secret for secret in secrets if secret in "".join(told)]


def test_rotation_is_announced_and_shown(file: Path) -> None:
    sign, seal = kids(file)
    told = rotate(file, NOW).splitlines()
    new_sign, new_seal = kids(file)[2:]
    until = "accepted until 2026-01-15 00:20:00Z"
    assert told == [
        f"{sign}  signing  in use, {until}",
        f"{seal:<43}  sealing  in use, {until}",
        f"{new_sign}  signing  from 2026-01-01 00:10:00Z",
        f"{new_seal:<43}  sealing  from 2026-01-01 00:10:00Z",
        "The new keys are used in 10 minutes.",
    ]
    assert public(file) == [sign, new_sign]
    assert [line.split("  ")[-1] for line in show(file, NOW + KNOWN_AHEAD).splitlines()] == [
        *[f"followed, {until}"] * 2,
        *["in use"] * 2,
    ]
    assert [line.split("  ")[-1] for line in show(file, END).splitlines()[:2]] == [
        "ended 2026-01-15 00:20:00Z"
    ] * 2


def test_retire_takes_out_what_has_ended_and_only_that(file: Path) -> None:
    rotate(file, NOW)
    before = kids(file)
    retire(file, END - 1)
    assert kids(file) == before
    told = retire(file, END)
    assert kids(file) == before[2:]
    assert public(file) == [before[2]]
    assert told == show(file, END)


def test_a_compromised_key_that_is_the_only_one_is_followed_at_once(file: Path) -> None:
    sign, seal = kids(file)
    retire(file, NOW, sign)
    assert kids(file)[0] == seal
    (new,) = (row for row in load(file)["keys"] if row["use"] == "sig")
    assert (new["kid"] == sign, new["nbf"]) == (False, NOW)
    assert public(file) == [new["kid"]]


def test_a_compromised_new_key_gives_way_to_the_old_one_and_gets_a_follower(file: Path) -> None:
    sign, _ = kids(file)
    rotate(file, NOW)
    later = NOW + KNOWN_AHEAD
    retire(file, later, kids(file)[2])
    keys = KeySet(load(file))
    assert keys.current("sig", later).kid == sign
    assert keys.current("sig", later + KNOWN_AHEAD).exp is None
    assert len(kids(file)) == 4


def test_a_compromised_old_key_is_simply_gone(file: Path) -> None:
    rotate(file, NOW)
    sign, *others = kids(file)
    retire(file, NOW + KNOWN_AHEAD, sign)
    assert kids(file) == others


def test_public_sets_are_shown_but_not_changed(file: Path) -> None:
    assert show(public_file(file), NOW) == f"{kids(file)[0]}  signing  followed"
    for change in (rotate, retire):
        with pytest.raises(ValueError, match="holds no private key"):
            change(public_file(file), NOW)


# The command line


def cli(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    status = main(["keys", *map(str, words)])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_the_command_does_all_four(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "edge-private.json"
    assert cli(capsys, "init", "--keys", file)[0] == 0
    assert cli(capsys, "list", "--keys", file)[1].count("in use\n") == 2
    assert cli(capsys, "rotate", "--keys", file)[1].endswith("The new keys are used in 10 minutes.\n")
    assert cli(capsys, "retire", "--keys", file)[1].count("\n") == 4
    assert cli(capsys, "retire", f"--now={kids(file)[0]}", "--keys", file)[1].count("\n") == 3


def test_failures_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none.json"
    for words in (["list"], ["rotate"], ["retire"], ["retire", "--now", "x"]):
        status, out, err = cli(capsys, *words, "--keys", file)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("edgekit: ")
        assert "none.json" in err
    init(file, NOW)
    assert cli(capsys, "retire", "--now", "x", "--keys", file)[2] == "edgekit: there is no key x\n"
