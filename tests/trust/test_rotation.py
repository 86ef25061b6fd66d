"""Keys follow one another while requests go on, on real processes: no request is refused for it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2

from edge.key_commands import retire, rotate
from edge.keyset import KNOWN_AHEAD

SOON = 12  # seconds until the new keys are used; every process looks at its file within five


class Load(threading.Thread):
    """One program that reads and writes on both edges in turn, and notes whatever is not as it should be."""

    def __init__(self, program, edges, user=None):
        super().__init__()
        self.program, self._edges, self._user = program, edges, user
        self.requests, self.surprises = 0, []
        self._stopped = threading.Event()
        if user is not None:
            assert program.post(f"{edges[0]}/in", user=user).status_code == 200

    def run(self):
        number = 0
        while not self._stopped.is_set() and not self.surprises:
            for edge in self._edges:
                number += 1
                text = f"note {number}"
                self._expect(self.program.post(f"{edge}/count"), {"count": number})
                self._expect(self.program.post(f"{edge}/note", text=text), {})
                seen = {"user": self._user, "count": number, "note": text}
                self._expect(self.program.get(f"{edge}/"), seen)

    def _expect(self, answer, document):
        self.requests += 1
        if (answer.status_code, answer.json()) != (200, document):
            self.surprises.append((answer.request.url, answer.status_code, answer.text, document))

    def stop(self):
        self._stopped.set()
        self.join()


def header(token):
    return json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))


def current(cluster, use):
    """The key that the edges use now."""
    rows = json.loads((cluster.keys / "edge-private.json").read_bytes())["keys"]
    begun = [row for row in rows if row["use"] == use and row["nbf"] <= time.time()]
    return max(begun, key=lambda row: row["nbf"])["kid"]


def test_no_request_is_refused_while_keys_change(cluster, programs):
    file = cluster.keys / "edge-private.json"
    loads = [Load(programs.Program(), cluster.edges, user) for user in (None, None, "ada", "bob")]
    for load in loads:
        load.start()
    try:
        first = current(cluster, "enc"), current(cluster, "sig")
        # The command itself, with its ten minutes; then, twice, with all but a few seconds of them gone by.
        edgekit = Path(sys.executable).with_name("edgekit")
        subprocess.run([edgekit, "keys", "rotate", "--keys", file], check=True, capture_output=True)
        for _ in range(2):
            rotate(file, time.time() - KNOWN_AHEAD + SOON)
            time.sleep(SOON + 3)
        for load in loads:
            assert load.surprises == []
            assert load.is_alive()
        for edge in cluster.edges:
            published = httpx2.get(f"{edge}/_edge/keys").json()["keys"]
            assert len(published) == 4
            assert {row["kid"] for row in published} > {first[1], current(cluster, "sig")}
        newcomers = [Load(programs.Program(), cluster.edges, user) for user in (None, "cyd")]
        for load in newcomers:
            load.start()
        time.sleep(1)
        cookies = newcomers[1].program.cookies
        assert header(cookies["edgekit-session"])["kid"] == current(cluster, "enc") != first[0]
        assert header(cookies["edgekit-view"])["kid"] == current(cluster, "sig") != first[1]
        # Whoever came after the change does not notice when the first keys go, as after a leak.
        for load in loads:
            load.stop()
        for kid in first:
            retire(file, time.time(), kid)
        time.sleep(8)
        for load in newcomers:
            assert load.surprises == []
            assert load.is_alive()
        # A user who signed in before it is renewed by the origin; a guest's session was nothing else.
        assert loads[2].program.get(f"{cluster.edges[1]}/me").json() == {"user": "ada"}
        assert loads[0].program.post(f"{cluster.edges[1]}/count").json()["code"] == "session-ended"
        loads += newcomers
    finally:
        for load in loads:
            load.stop()
            load.program.close()
    assert sum(load.requests for load in loads) > 500
    print(f"{sum(load.requests for load in loads)} requests while keys changed")
