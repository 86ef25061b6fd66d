"""The README's app, from its first visit to its third cup."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from edge.testing import Client

HELLO = Path(__file__).resolve().parents[2] / "examples/hello"


@pytest.fixture
def client() -> Client:
    spec = importlib.util.spec_from_file_location("hello_app", HELLO / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Client(module.app)


def test_cups_are_counted(client):
    assert "0 in your cart" in client.get("/").text
    client.post("/")
    assert "2 in your cart" in client.post("/").text


def test_a_double_click_counts_once(client):
    form = {"_key": re.search(r'value="([^"]+)"', client.get("/").text)[1]}
    client.post("/", data=form)
    assert "1 in your cart" in client.post("/", data=form).text


def test_people_do_not_share_cups(client):
    client.post("/")
    client.cookies.clear()
    assert "0 in your cart" in client.get("/").text
