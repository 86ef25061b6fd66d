"""Long answers, large bodies, clients that leave, and the event loop below: Pyodide in Node and Chromium."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MEGABYTE = 1024 * 1024
AHEAD = 262_144  # bytes; browser/bridge.js
SENT = hashlib.sha256(b"\x07" * 50 * MEGABYTE).hexdigest()


@pytest.fixture(scope="module")
def played(streams_release):
    """What in_node.mjs saw: {"plain": {scenario: result}, "again": the same from a snapshot}."""
    command = ["node", str(HERE / "in_node.mjs"), str(streams_release)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module", params=["plain", "again"])
def both(played, request):
    """Plainly started, and from a snapshot."""
    return played[request.param]


def test_the_second_interpreter_came_from_a_snapshot(played):
    assert (played["plain"]["restored"], played["again"]["restored"]) == (False, True)


def test_the_loop_keeps_asyncios_promises(both):
    spec = importlib.util.spec_from_file_location("streams", HERE / "apps" / "streams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert both["order"].splitlines() == asyncio.run(module.order(None)).body.decode().splitlines()


def test_a_busy_loop_lets_timers_have_their_turn(both):
    assert both["spin"] == "CancelledError"


def test_a_generator_ends_when_its_reader_leaves(both):
    assert both["ticks"]["finally"] == 1


@pytest.mark.parametrize("scenario", ["endless", "abort", "silent", "head"])
def test_whatever_ends_the_reading_ends_the_generator(played, scenario):
    assert played["plain"][scenario]["finally"] == 1


def test_an_abort_reaches_the_reader(played):
    assert played["plain"]["abort"]["error"] == "AbortError"


def test_head_has_no_body(played):
    assert played["plain"]["head"]["body"] is None


def test_a_client_that_leaves_is_seen_in_every_way_that_asgi_has(both):
    seen = both["listener"]
    assert (seen["disconnect"], seen["cancelled"], seen["oserror"]) == (1, 1, 1)


def test_a_generator_without_a_wait_stops_at_the_bound(played):
    assert played["plain"]["endless"]["bytes"] <= 2 * 65_536 + 2 * AHEAD + 65_536


def test_a_slow_reader_holds_the_app_back(both):
    assert both["pressure"]["read"] == 50 * MEGABYTE
    assert both["pressure"]["ahead"] <= MEGABYTE + AHEAD  # one part of the app's, and what may wait


def test_a_large_download_takes_no_memory(played):
    seen = played["plain"]["download"]
    assert (seen["size"], seen["bytes"], seen["finally"]) == (50 * MEGABYTE, 50 * MEGABYTE, 1)
    assert seen["grown"] <= 4 * MEGABYTE


def test_an_upload_is_kept_once(played):
    seen = played["plain"]["upload"]
    assert (seen["size"], seen["digest"]) == (50 * MEGABYTE, SENT)
    assert seen["grown"] <= 60 * MEGABYTE


def test_a_form_with_a_file_is_kept_once(played):
    seen = played["plain"]["form"]
    assert (seen["size"], seen["digest"]) == (50 * MEGABYTE, SENT)
    assert played["plain"]["upload"]["grown"] + seen["grown"] <= 80 * MEGABYTE


def test_an_answer_that_breaks_off_does_not_look_complete(played):
    assert "broke" in played["plain"]["broken"]


def test_background_work_goes_on_after_the_answer_and_its_end_is_known(played):
    assert played["plain"]["background"] == {"body": "done", "early": 0, "late": 1, "told": 2}


def test_requests_leave_no_proxies_and_no_memory_behind(played):
    assert played["plain"]["counts"]["after"] == played["plain"]["counts"]["before"]


IN_WORKER = """
async ({ target, how }) => {
  const { serviceWorker } = navigator;
  const ready = new Promise((resolve) => {
    serviceWorker.addEventListener("message", ({ data }) => data.state?.phase === "ready" && resolve());
  });
  const registration = await serviceWorker.register("/sw.js");
  await serviceWorker.ready;
  if (!serviceWorker.controller) {
    await new Promise((resolve) => (serviceWorker.oncontrollerchange = resolve));
  }
  registration.active.postMessage({ type: "warm" });
  registration.active.postMessage({ type: "status" });
  await ready;
  await fetch("/tell");
  const controller = new AbortController();
  const response = await fetch(target, { signal: controller.signal });
  const reader = response.body.getReader();
  await reader.read();
  await reader.read();
  if (how === "cancel") await reader.cancel();
  else controller.abort();
  // The browser passes it on when it likes; how long that takes is not ours to say.
  let told;
  let host;
  for (let i = 0; i < 100 && !told?.finally; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = await fetch("/tell");
    host = answer.headers.get("edgekit-host");
    const { finally: ended, bytes } = await answer.json();
    told = { finally: ended, bytes: (told?.bytes ?? 0) + (bytes ?? 0) };
  }
  return { ...told, host, from: response.headers.get("edgekit-host") };
}
"""


@pytest.mark.console_errors("favicon")
@pytest.mark.parametrize("target", ["/ticks", "/endless"])
@pytest.mark.parametrize("how", ["cancel", "abort"])
def test_in_a_service_worker_a_page_that_leaves_ends_the_generator(streams_url, chromium, target, how):
    page = chromium.new_context().new_page()
    page.goto(f"{streams_url}/_edge/health")
    seen = page.evaluate(IN_WORKER, {"target": target, "how": how})
    assert (seen["from"], seen["host"], seen["finally"]) == ("browser", "browser", 1)
    assert seen["bytes"] < 10 * MEGABYTE
