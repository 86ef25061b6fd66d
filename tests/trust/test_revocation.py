"""Sessions that end, on real processes and in real time: an origin, two native edges and one on Node.js."""

from __future__ import annotations

import time

LIMIT = 30  # seconds after which no host takes an ended session any more


def test_an_ended_session_is_refused_on_every_edge_in_time(cluster, program, release):
    busy, quiet = cluster.edges
    node = cluster.start_node(release)
    user = program()
    assert user.post(f"{busy}/in", user="ada").status_code == 200
    thief = program(user.cookies)
    for edge in (busy, quiet, node):  # each has a list from just before
        assert thief.get(f"{edge}/").json()["user"] == "ada"
    assert user.post(f"{busy}/out", everywhere=False).status_code == 200
    ended = time.monotonic()
    # What changes anything is refused at once, whatever an edge knows: the origin looks at its own list.
    assert thief.post(f"{quiet}/note", text="mine now").json()["code"] == "session-ended"
    while (answer := program(thief.cookies).get(f"{busy}/")).status_code == 200:
        assert time.monotonic() - ended < LIMIT
        time.sleep(0.5)
    assert answer.json()["code"] == "session-ended"
    # The others have heard of nobody since, and the next question is the first.
    time.sleep(max(0, ended + LIMIT - time.monotonic()))
    for edge in (quiet, node):
        refused = thief.get(f"{edge}/")
        assert (refused.status_code, refused.json()["code"]) == (401, "session-ended")
    assert user.get(f"{quiet}/").json()["user"] is None


def test_signing_out_everywhere_ends_other_devices_too(cluster, program):
    here, there = cluster.edges
    laptop, phone = program(), program()
    for device, edge in ((laptop, here), (phone, there)):
        assert device.post(f"{edge}/in", user="ada").status_code == 200
        assert device.post(f"{edge}/note", text="hello").status_code == 200
    assert laptop.post(f"{here}/out", everywhere=True).status_code == 200
    ended, copy = time.monotonic(), program(phone.cookies)
    assert phone.post(f"{there}/note", text="still me").json()["code"] == "session-ended"
    assert phone.cookies == {}
    while copy.get(f"{there}/me").status_code == 200:
        assert time.monotonic() - ended < LIMIT
        time.sleep(0.5)
    assert laptop.post(f"{here}/in", user="ada").status_code == 200
    assert laptop.get(f"{there}/").json()["note"] == "hello"


def test_without_the_origin_users_read_and_do_not_write(cluster, program):
    edge = cluster.edges[0]
    user, guest = program(), program()
    assert user.post(f"{edge}/in", user="ada").status_code == 200
    assert user.post(f"{edge}/count").json() == guest.post(f"{edge}/count").json() == {"count": 1}
    cluster.stop_origin()
    stopped = time.monotonic()
    while (answer := user.post(f"{edge}/count")).status_code == 200:
        assert user.get(f"{edge}/me").json() == {"user": "ada"}
        assert time.monotonic() - stopped < 65
        time.sleep(1)
    assert time.monotonic() - stopped > 55
    assert (answer.status_code, answer.json()["code"]) == (503, "origin-unavailable")
    assert answer.json()["retryable"] is True
    assert user.get(f"{edge}/me").json() == {"user": "ada"}
    assert guest.post(f"{edge}/count").json() == {"count": 2}
    cluster.start_origin()
    deadline = time.monotonic() + 10
    while user.post(f"{edge}/count").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
