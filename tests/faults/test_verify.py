"""`edgekit verify` with real processes: what is right passes, and each broken promise is found."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edge.verify.history import load
from edge.verify.judge import judge

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
LEDGER = ["ledger:app", "--app-dir", str(HERE), "--scenario", "bookkeeping:Bookkeeping"]
PATIENCE = 600  # seconds; on a machine that is not overloaded none takes a tenth of it

WRONG = """
import sys
from pathlib import Path
from edge.verify.command import verify
from edge.verify.run import Budget
bug, data = sys.argv[1:]
sys.exit(verify("ledger:app", Path(sys.argv[0]), budget=Budget(250, 8, 30), data=Path(data), seed=7,
    scenario="bookkeeping:Bookkeeping", origin=("wrong_origin", bug)))
"""


def verify(*options: str, data: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("edgekit"), "verify", *options, "--data", data]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def count(output: str, what: str) -> int:
    found = re.search(rf"(\d+) {what}", output)
    assert found is not None, output
    return int(found[1])


def test_the_ledger_keeps_its_promises(tmp_path):
    budget = ["--writes", "1200", "--kills", "30", "--duplicates", "240", "--seed", "1"]
    done = verify(*LEDGER, *budget, data=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: each key had one effect and one answer" in done.stdout
    assert count(done.stdout, "writes") >= 1200
    assert count(done.stdout, "kills") >= 30
    assert count(done.stdout, "duplicates") >= 240
    assert re.search(r"\d+/1200 writes, \d+/30 kills, \d+/240 duplicates", done.stderr)


def test_the_shop_sells_no_pack_twice(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    shop = ["shop.app:app", "--app-dir", str(EXAMPLES), "--scenario", "customers:Customers"]
    done = verify(*shop, "--writes", "250", "--kills", "6", "--duplicates", "50", data=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_app_of_which_nothing_is_known(tmp_path):
    ledger = ["ledger:app", "--app-dir", str(HERE)]
    done = verify(*ledger, "--writes", "200", "--kills", "5", "--duplicates", "40", data=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = tmp_path.iterdir()
    assert f"seed {folder.name}: 2 edges and an origin" in done.stdout
    rows = load(folder / "history.jsonl")
    assert rows[0]["seed"] == int(folder.name)
    assert list(judge(rows).findings) == []
    sent = {row["target"] for row in rows if row["kind"] == "write"}
    assert sent == {"/transfers", "/entries", "/tickets", "/marks", "/session"}


@pytest.mark.parametrize(
    ("bug", "rules"),
    [
        ("second-transaction", "one-effect"),
        ("early-reply", "durable|one-effect"),
        ("unchecked-reads", "versions"),
    ],
)
def test_an_origin_that_breaks_a_promise_is_found(bug, rules, tmp_path):
    paths = {"PYTHONPATH": str(HERE)}
    done = subprocess.run(
        [sys.executable, "-c", WRONG.replace("sys.argv[0]", repr(str(HERE))), bug, str(tmp_path)],
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"FAIL: \d+ findings", done.stdout)
    assert re.search(rf"^  ({rules}): ", done.stdout, re.MULTILINE)
    assert "The same users, faults and kills again: --seed 7" in done.stdout


def test_an_app_that_keeps_promises_of_its_own_badly_is_found(tmp_path):
    app, data = tmp_path / "app", tmp_path / "data"
    app.mkdir()
    (app / "counter.py").write_text(FORGETFUL)
    options = ["counter:app", "--app-dir", str(app), "--scenario", "counter:Counting"]
    done = verify(*options, "--writes", "100", "--kills", "4", "--duplicates", "10", data=data)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"  app: visit \d+: counted \d+ instead of \d+", done.stdout)


FORGETFUL = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from edge import Stateless, context

counts = {}  # in memory, where no other process looks and no restart finds it

async def count(request):
    ctx = context(request)
    ctx.state["seen"] = True
    name = ctx.user.id if ctx.user else ""
    counts[name] = counts.get(name, 0) + 1
    return PlainTextResponse(str(counts[name]))

app = Stateless(Starlette(routes=[Route("/", lambda request: PlainTextResponse("")),
                                  Route("/count", count, methods=["POST"])]))

try:
    from edge.verify import Scenario
except ImportError:
    Scenario = object

class Counting(Scenario):
    async def visit(self, user):
        await user.send("POST", "/count")
        for number in range(1, 5):
            page = await user.send("POST", "/count")
            assert page.text == str(number), f"counted {page.text} instead of {number}"
"""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["ledger:app", "--app-dir", str(HERE), "--scenario", "bookkeeping:Nobody"],
            "has no attribute 'Nobody'",
        ),
        (["ledger:nothing", "--app-dir", str(HERE)], "An edge does not start"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(options, sentence, tmp_path):
    done = verify(*options, "--seed", "1", data=tmp_path)
    assert done.returncode == 1
    assert re.search(rf"^edgekit: .*{sentence}", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
