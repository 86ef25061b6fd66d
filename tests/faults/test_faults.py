"""What goes wrong is drawn from a seed, and happens to an exchange as it says."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest

from edge.verify import faults
from edge.verify.faults import NOTHING, Fault, dice, draw
from edge.verify.http1 import Broken, Message, request
from edge.verify.proxy import FaultProxy, ask, to_ports
from edge.verify.relay import Passage, Relay, Sighting

HELLO = request("POST", "/", [("host", "x")], b"hello")
ANSWER = Message(b"HTTP/1.1 200 OK", ((b"x", b"y"),), b"an answer of some length")


def test_faults_come_as_often_as_they_should():
    drawn = Counter(draw(dice("rates", number), faults.WRITES).kind for number in range(20_000))
    for kind, rate in faults.WRITES.items():
        assert drawn[kind] == pytest.approx(20_000 * rate, rel=0.35, abs=25)


def test_the_same_names_give_the_same_chance():
    assert dice(1, "a").random() == dice(1, "a").random() != dice(2, "a").random()


def test_only_what_has_to_wait_waits():
    for number in range(300):
        fault = draw(dice(number), {"reset": 0.5, "late-copy": 0.5})
        assert (fault.before > 0) == (fault.kind == "late-copy")
        assert fault.after <= faults.LATEST_COPY


class Site:
    """Two targets behind a relay in which `fault` happens to everything."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.got: list[int] = []
        self.sightings: list[Sighting] = []
        self.relay = Relay(2, self.forward, self.decide, self.sent, self.sightings.append)

    async def forward(self, target: int, message: Message) -> Message:
        self.got.append(target)
        assert message == HELLO
        return ANSWER

    def decide(self, message: Message) -> tuple[Message, Passage]:
        return message, Passage(1, self.fault, 7)

    def sent(self, _sighting: Sighting) -> int:
        return len(self.got) + 1


@pytest.mark.parametrize(
    ("fault", "got", "answered"),
    [
        (NOTHING, [1], True),
        (Fault("drop-request"), [], False),
        (Fault("reset"), [], False),
        (Fault("drop-response"), [1], True),
        (Fault("delay", 0.1, 0.001, 0.001), [1], True),
        (Fault("duplicate", 0.1, 0.001), [1, 0], True),
        (Fault("duplicate", 0.9), [0, 1], True),
        (Fault("late-copy", 0.1, 0, 0.001), [1, 0], True),
    ],
)
def test_who_gets_a_request(fault, got, answered):
    async def go() -> tuple[Site, Message | None]:
        site = Site(fault)
        _, answer = await site.relay.exchange(HELLO)
        await site.relay.quiet()
        return site, answer

    site, answer = asyncio.run(go())
    assert sorted(site.got) == sorted(got)
    assert (answer == ANSWER) == answered
    assert Counter(one.copy for one in site.sightings) == Counter(
        [False] * bool(got) + [True] * (len(got) - 1)
    )
    assert all(one.answer == ANSWER for one in site.sightings)
    assert len({one.call for one in site.sightings}) == len(got)


def test_a_process_that_does_not_answer_is_seen_as_such():
    async def go() -> None:
        site = Site(NOTHING)

        async def dead(_target: int, _message: Message) -> Message:
            raise Broken("gone")

        relay = Relay(2, dead, site.decide, site.sent, site.sightings.append)
        assert await relay.exchange(HELLO) == (NOTHING, None)
        assert [one.answer for one in site.sightings] == [None]

    asyncio.run(go())


@pytest.mark.parametrize(
    ("fault", "failure", "words"),
    [
        (NOTHING, None, None),
        (Fault("drop-response"), Broken, "no answer"),
        (Fault("truncate-response", 0.3), Broken, "the head is cut off"),
        (Fault("truncate-response", 0.9), Broken, "the body is cut off"),
        (Fault("reset"), ConnectionResetError, None),
        (Fault("half-open"), TimeoutError, None),
    ],
)
def test_what_a_client_sees_of_it(fault, failure, words):
    async def go() -> Message:
        site = Site(fault)
        proxy = FaultProxy(site.relay)
        await proxy.start()
        try:
            async with asyncio.timeout(0.3):
                return await ask(proxy.port, HELLO)
        finally:
            await proxy.close()

    expected = contextlib.nullcontext() if failure is None else pytest.raises(failure, match=words)
    with expected:
        assert asyncio.run(go()) == ANSWER


def test_one_proxy_can_stand_behind_another():
    async def go() -> None:
        inner, outer = FaultProxy(Site(NOTHING).relay), Site(NOTHING)
        await inner.start()
        relay = Relay(2, to_ports([inner.port, inner.port]), outer.decide, outer.sent, outer.sightings.append)
        proxy = FaultProxy(relay)
        await proxy.start()
        assert await ask(proxy.port, HELLO) == ANSWER
        await proxy.close()
        await inner.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await ask(proxy.port, HELLO)

    asyncio.run(go())
