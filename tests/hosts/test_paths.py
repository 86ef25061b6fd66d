"""Case T2: paths that one reads so and another otherwise are refused by every edge, before the app runs.

What browsers can ask for as well is among the conformance cases.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., Any]


@pytest.fixture(params=["native_url", "node_url"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "target",
    [
        "/text%0A",
        "/text%0a?a=1",
        "/echo/%00",
        "/x/../text",
        "/x/%2e%2E/text",
        "/./text",
        "/x\\..\\text",
        "/text\\",
    ],
)
def test_path_that_can_be_misread_is_refused(url: str, ask: Ask, method: str, target: str) -> None:
    answer = ask(url, method, target, ("host", "localhost"))
    assert answer.status == 400
    assert method == "HEAD" or json.loads(answer.body)["code"] == "malformed-path"


@pytest.mark.parametrize(
    "target", ["/echo/..%2fa", "/echo/...", "/echo/%5C", "/echo//a", "/echo/%23", "/echo?/../a"]
)
def test_path_that_cannot_is_taken_as_it_is(url: str, ask: Ask, target: str) -> None:
    answer = ask(url, "GET", target, ("host", "localhost"))
    assert json.loads(answer.body)["raw_path"] == target.partition("?")[0]
