"""The conformance cases on Pyodide in Firefox and WebKit: the same answers as CPython's, byte for byte."""

from __future__ import annotations

import base64

import pytest

from edge.conformance import CASES

from ..hosts.conftest import ROOT, SPEC, send_to
from ..hosts.test_conformance import AS_DATA, IN_PAGE


@pytest.fixture(scope="module")
def url(serve, tmp_path_factory):
    return serve(SPEC, ROOT, tmp_path_factory.mktemp("conformance"), "--no-reload").url


@pytest.fixture(scope="module")
def expected(url):
    send = send_to(url)
    return {case.name: send(case) for case in CASES}


@pytest.mark.console_errors("404")  # the collection that is not there is one of the cases
def test_pyodide_answers_as_cpython_does(browsers, engine, url, expected):
    with browsers.open(engine, workers=False) as browser:
        browser.goto(f"{url}/text")
        browser.load(IN_PAGE)
        answers = browser.run("await conformance.start(); return conformance.direct(arguments[0])", AS_DATA)
    assert len(answers) == len(CASES)
    for case, answer in zip(CASES, answers, strict=True):
        if case.escalates:
            assert answer is None, f"{case.name}: this is an edge's"
            continue
        ours = (answer["status"], base64.b64decode(answer["body"]), answer["headers"].get("content-type"))
        theirs = expected[case.name]
        assert ours == (theirs.status, theirs.body, theirs.headers.get("content-type")), case.name
        assert answer["headers"]["edgekit-host"] == "browser", case.name
