"""Whether a client is still there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from edge.presence import Presence


async def receive_nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def receive_body() -> dict[str, Any]:
    return {"type": "http.request", "body": b""}


async def send_on(message: Any) -> None:
    pass


async def send_nowhere(message: Any) -> None:
    raise OSError("the client has gone away")


def test_a_client_is_there_until_its_connection_says_otherwise() -> None:
    client = Presence(receive_body, send_on)
    assert asyncio.run(client.receive())["type"] == "http.request"
    asyncio.run(client.send({}))
    assert not client.gone


def test_it_has_gone_when_it_hangs_up_or_takes_nothing_any_more() -> None:
    listening, sending = Presence(receive_nothing, send_on), Presence(receive_body, send_nowhere)
    asyncio.run(listening.receive())
    with pytest.raises(OSError, match="gone"):
        asyncio.run(sending.send({}))
    assert listening.gone
    assert sending.gone
