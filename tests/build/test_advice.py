"""What a build says about an app that a browser would answer differently (cases P4 and P36)."""

from __future__ import annotations

import pytest

from edge.cli import _report
from edge.release import Step
from edge.release.advice import DATABASE, FILE, PROCESS, SOCKET, THREAD, advise
from edge.release.cache import Cache
from edge.release.pipeline import heed
from edge.release.sources import parse_target


def said(source):
    return [(one.line, one.text) for one in advise({"app.py": source.encode()})]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import threading\nthreading.Thread(target=f).start()", THREAD),
        ("from threading import Thread as T\nT(target=f)", THREAD),
        ("import threading as t\nclass W(t.Thread): ...", THREAD),
        ("from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor()", THREAD),
        ("import concurrent.futures\nconcurrent.futures.ProcessPoolExecutor()", PROCESS),
        ("import subprocess\nsubprocess.run(['ls'])", PROCESS),
        ("import asyncio\nasyncio.create_subprocess_exec('ls')", PROCESS),
        ("import os\nos.system('ls')", PROCESS),
        ("from multiprocessing import Pool\nPool(3)", PROCESS),
        ("import socket\nsocket.create_connection(('a', 1))", SOCKET),
        ("import smtplib\nsmtplib.SMTP_SSL('a')", SOCKET),
        ("from urllib.request import urlopen\nurlopen('http://a')", SOCKET),
        ("import asyncio\nasyncio.open_connection('a', 1)", SOCKET),
        ("import sqlite3\ndb = sqlite3.connect(':memory:')", DATABASE),
        ("import sqlite3\ndb = sqlite3.connect('tea.db')", DATABASE),
        ("from sqlalchemy import create_engine\ne = create_engine('sqlite://')", DATABASE),
        ("from sqlalchemy import create_engine\ne = create_engine('sqlite+aiosqlite:///./t.db')", DATABASE),
        ("\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}", DATABASE),
        ("def f():\n    open('a', 'w')", FILE),
        ("async def f(p):\n    p.write_text('a')", FILE),
    ],
)
def test_what_a_browser_does_not_have_or_forgets(source, text):
    assert said(source) == [(2, text)]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("items = []\ndef add(): items.append(1)", 2),
        ("items: list[int] = []\nasync def add():\n    items.append(1)", 3),
        ("from collections import defaultdict\nhits = defaultdict(int)\ndef f(): hits['a'] += 1", 3),
        ("store = {}\ndef f(k, v):\n    store[k] = v", 3),
        ("store = dict()\ndef f(k): del store[k]", 2),
        ("store = {}\nf = lambda k: store.pop(k)", 2),
        ("count = 0\ndef f():\n    global count\n    count += 1", 4),
        ("store = {'a': []}\ndef f(): store['a'].append(1)", 2),
        ("store = {'a': {}}\ndef f(): store['a']['b'] = 1", 2),
        ("def f(request):\n    request.app.state.hits += 1", 2),
        ("def f():\n    app.state.hits = 1", 2),
        ("user = None\ndef f():\n    global user\n    user = 1", 4),
        ("class A:\n    pass\nitems = [1]\nclass B:\n    def f(self):\n        items.clear()", 6),
    ],
)
def test_state_of_a_module(source, line):
    [(found, text)] = said(source)
    assert found == line
    assert "changes while requests are answered" in text


@pytest.mark.parametrize(
    "source",
    [
        "items = []\nitems.append(1)",  # while it is imported
        "ROUTES = [1]\ndef f(): return len(ROUTES)",
        "items = []\ndef f():\n    items = []\n    items.append(1)",
        "items = []\ndef f(items): items.append(1)",
        "def f():\n    items = {}\n    items['a'] = 1",
        "import threading\nlock = threading.Lock()",
        "import subprocess\nsubprocess.CalledProcessError",
        "open('a').read()",
        "def f():\n    open('a', 'rb')",
        "if __name__ == '__main__':\n    import subprocess\n    subprocess.run(['ls'])",
        "import sqlite3\nsqlite3.connect('a')  # edgekit: on purpose",
        "this is no python",
        "text = 'see sqlite for more'",
    ],
)
def test_what_is_nothing_to_worry_about(source):
    assert said(source) == []


def test_each_variable_once_and_other_files_not_at_all():
    files = {
        "a.py": b"x = []\ndef f(): x.append(1); x.append(2)\ndef g(): x.pop()",
        "b.txt": b"import sqlite3",
    }
    assert [str(one).partition(" changes")[0] for one in advise(files)] == ["a.py:2: x"]


def test_in_development_it_is_said_once(tmp_path):
    target, cache = parse_target("app:app", tmp_path), Cache(tmp_path)
    first = advise({"app.py": b"import os\nos.system('ls')"})
    more = advise({"app.py": b"import os\nos.system('ls')\nos.system('ls')"})
    assert len(heed(first, target, cache, again=False)) == 1
    assert heed(first, target, cache, again=False) == ()
    assert [line.partition(": ")[0] for line in heed(more, target, cache, again=False)] == ["app.py:3"]
    assert len(heed(more, target, cache, again=True)) == 2


def test_how_it_is_shown(capsys):
    _report(Step("advice", advice=("app.py:2: x",)))
    assert capsys.readouterr().err == "advice       0.00 s\n  app.py:2: x\n"
