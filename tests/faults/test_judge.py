"""The judge over histories made up here: each rule is broken by one of them, and none by a good one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from edge.applied import short
from edge.verify.evidence import KEPT
from edge.verify.history import History, load
from edge.verify.judge import judge
from edge.verify.report import findings, summary

KEY = "a-key-of-a-request"
USER = "ann"
Row = dict[str, Any]


def good() -> list[Row]:
    """Sent twice, as the first answer was lost; it puts one record, adds to another and changes the state."""
    place = ["shared", "", "stock", "tea"]
    answer = {"digest": "d", "shown": "s", "state": "new", "status": 303}
    commit = {
        "kind": "commit",
        "subject": USER,
        "key": KEY,
        "copy": False,
        "reads": [[*place, 1]],
        "writes": [[*place, "value"]],
        "increments": [["shared", "", "totals", "sold", "count", 2]],
        **answer,
    }
    verdict = {"kind": "verdict", "subject": USER, "key": KEY, "status": 200, "digest": "d"}
    reply = {"kind": "answer", "op": 1, "status": 303, "digest": "s", "problem": ""}
    earlier = {**commit, "key": "key-of-another-user", "reads": [], "increments": [], "call": 90}
    view = {"sub": USER, "sid": "sid", "ver": 1, "state": "old", "keys": []}
    stored = {"kind": "record", "scope": "shared", "owner": "", "value": "value", "numbers": {}}
    rows = [
        {"kind": "run", "seed": 1},
        {"kind": "write", "op": 9, "visit": 9, "key": "key-of-another-user", "method": "PUT", "target": "/"},
        earlier,
        {**verdict, "key": "key-of-another-user", "replayed": False, "call": 90},
        {"kind": "view", "visit": 5, "view": view},
        {"kind": "write", "op": 1, "visit": 5, "key": KEY, "method": "POST", "target": "/buy"},
        {"kind": "try", "op": 1, "number": 1, "edge": 0, "fault": "drop-response"},
        {**commit, "call": 91},
        {**verdict, "replayed": False, "call": 91},
        {"kind": "failure", "op": 1, "number": 1, "why": "no answer"},
        {"kind": "try", "op": 1, "number": 2, "edge": 1, "fault": "none"},
        {**commit, "call": 92},
        {**verdict, "replayed": True, "call": 92},
        {**reply, "number": 2, "replayed": True, "copy": False},
        {"kind": "view", "visit": 5, "view": {**view, "ver": 2, "state": "new", "keys": [short(KEY)]}},
        {"kind": "end", "op": 1, "how": "final"},
        {"kind": "kill", "who": "origin"},
        {"kind": "outcome", "subject": "bob", "key": "key-of-another-user", **answer},
        {"kind": "outcome", "subject": USER, "key": KEY, **answer},
        {**stored, "collection": "stock", "id": "tea", "version": 2},
        {**stored, "collection": "totals", "id": "sold", "version": 1, "numbers": {"count": 2}},
        {"kind": "database", "integrity": "ok"},
    ]
    return [{"at": float(number), **row} for number, row in enumerate(rows)]


def find(rows: list[Row], kind: str, number: int = -1) -> Row:
    return [row for row in rows if row["kind"] == kind][number]


def told(rows: list[Row]) -> list[str]:
    return [f"{one.rule}: {one.sentence}" for one in judge(rows).findings]


def test_a_good_history_has_nothing_to_find():
    judgement = judge(good())
    assert list(judgement.findings) == []
    assert judgement.figures["effects"] == 2
    assert (
        judgement.figures["faults"] == judgement.figures["origin_kills"] == judgement.figures["replays"] == 1
    )


def change(kind: str, number: int, **members: Any) -> Callable[[list[Row]], None]:
    return lambda rows: find(rows, kind, number).update(members)


def drop(kind: str, number: int = -1) -> Callable[[list[Row]], None]:
    return lambda rows: rows.remove(find(rows, kind, number))


def also(kind: str, number: int, **members: Any) -> Callable[[list[Row]], None]:
    return lambda rows: rows.append({**find(rows, kind, number), **members})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (change("verdict", 2, replayed=False), "one-effect: the origin applied one key 2 times"),
        (also("outcome", 1, subject="eve"), "one-effect: 2 users have an effect of one request"),
        (also("outcome", 1), "one-effect: the origin remembers two outcomes of one key"),
        (
            also("outcome", 1, key="nobodys-own-key"),
            "no-phantom: an outcome under a key that no user has sent",
        ),
        (drop("outcome"), "durable: the origin acknowledged a commit and has not got it"),
        (change("verdict", 2, digest="other"), "one-answer: the origin gave 2 answers under one key"),
        (
            change("outcome", 1, digest="other"),
            "one-answer: the origin's answer is not the one that it remembers",
        ),
        (
            change("answer", 0, digest="o"),
            "one-answer: a user saw another answer than the one that is stored",
        ),
        (
            change("answer", 0, problem="precondition-failed", digest="o", status=412),
            "one-answer: a user was told precondition-failed, and there was an effect",
        ),
        (
            change("verdict", 2, status=409, problem="version-conflict"),
            "one-answer: the origin refused a key that it had applied before",
        ),
        (change("record", 0, version=3), "versions: stock/tea has version 3, and was written 2 times"),
        (change("record", 0, value="odd"), "versions: stock/tea is not what its last commit wrote"),
        (change("record", 1, numbers={"count": 3}), "versions: totals/sold has 3 as count, and 2 was added"),
        (drop("record", 0), "versions: stock/tea was written and is not there"),
        (
            change("commit", 0, reads=[["shared", "", "stock", "tea", 1]]),
            "versions: stock/tea was written by 2 commits that had read version 1",
        ),
        (change("database", 0, integrity="row 1"), "database: its own check says: row 1"),
        (change("end", 0, how="stuck"), "liveness: POST /buy got no final answer; the last said 303"),
        (
            lambda rows: find(rows, "view").update(view={**find(rows, "view")["view"], "ver": 5}),
            "state: the state of visit 5 goes from version 1 to 5",
        ),
        (
            lambda rows: find(rows, "view").update(view={**find(rows, "view")["view"], "ver": 1}),
            "state: the state of visit 5 has two contents in version 1",
        ),
        (
            lambda rows: find(rows, "view").update(view={**find(rows, "view")["view"], "state": "x"}),
            "state: the state of visit 5 is not the one stored with its answer",
        ),
    ],
)
def test_each_rule_bites(wrong, sentence):
    rows = good()
    wrong(rows)
    assert sentence in told(rows)


def test_a_session_may_end_before_the_last_copy_has_come():
    rows = good()
    find(rows, "verdict", 2).update(status=401, problem="session-ended")
    assert told(rows) == []


def test_a_form_that_is_sent_again_may_be_turned_away_at_the_door():
    rows = good()
    rows += [
        {**find(rows, "write"), "op": 2},
        {**find(rows, "answer"), "op": 2, "status": 403, "problem": "forbidden", "digest": "x"},
        {**find(rows, "end"), "op": 2},
    ]
    assert told(rows) == []


def test_a_user_is_told_of_what_no_verdict_was_seen_of():
    rows = [row for row in good() if row["kind"] not in ("verdict", "outcome", "record")]
    assert told(rows) == ["durable: a user has been told of a commit that is not stored"]


def test_a_commit_that_nobody_commits_is_no_effect():
    rows = [row for row in good() if row["kind"] != "commit"]
    assert "no-phantom: an outcome that no edge has committed" in told(rows)


def test_what_nobody_was_told_may_have_happened_or_not():
    rows = good()
    for kind in ("answer", "view", "end"):
        rows.remove(find(rows, kind))
    rows = [row for row in rows if not (row["kind"] == "verdict" and row["key"] == KEY)]
    assert told(rows) == []
    rows.remove(find(rows, "outcome"))
    rows.remove(find(rows, "record"))
    find(rows, "record").update(version=1)
    assert told(rows) == []


def test_an_old_key_may_be_forgotten_and_its_effect_stays():
    rows = good()
    find(rows, "database").update(at=2.0 * KEPT)
    rows = [row for row in rows if row["kind"] != "outcome"]
    assert told(rows) == []
    find(rows, "record").update(version=2)
    assert told(rows) == ["versions: totals/sold has version 2, and was written 1 times"]


def test_different_answers_without_a_record_are_worth_a_note():
    rows = [row for row in good() if row["kind"] in ("write", "answer", "end")]
    rows.append({**find(rows, "answer"), "digest": "other"})
    judgement = judge(rows)
    assert list(judgement.findings) == []
    assert judgement.notes == [
        "/buy: 1 requests that touch no record were answered differently when sent again"
    ]


def test_a_history_is_kept_in_lines(tmp_path):
    now = iter([10.0, 10.5, 12.0])
    with History(tmp_path / "h", lambda: next(now)) as history:
        history.add("kill", who="origin")
        history.add("view", visit=1, view={"a": "ü"})
    assert load(tmp_path / "h") == history.rows
    first = json.loads((tmp_path / "h").read_text().splitlines()[0])
    assert first == {"kind": "kill", "at": 0.5, "who": "origin"}


def test_a_report_tells_of_each_kind_once_and_what_happened():
    rows = good()
    find(rows, "record", 0).update(version=3)
    rows.append({**find(rows, "record", 0), "id": "cup", "version": 1})
    rows.append({**find(rows, "record", 0), "id": "pot", "version": 1})
    judgement = judge(rows)
    lines = list(findings(judgement, rows))
    assert [line for line in lines if line.startswith("  v")] == [
        "  versions: stock/tea has version 3, and was written 2 times (and 2 more like this)"
    ]
    assert f"    {KEY}" in lines
    assert any(line.endswith("try      op 1, number 1, edge 0, fault drop-response") for line in lines)
    assert list(summary(judgement))[-1] == "FAIL: 3 findings"
    assert list(summary(judge(good())))[-1].startswith("PASS: each key had one effect and one answer")
