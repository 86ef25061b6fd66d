"""Strings in sources that are too random, or called too much like a secret, to be harmless."""

from __future__ import annotations

import pytest

from edge.release.literals import HARD_CODED, RANDOM, entropy, find, judge

RANDOM_TEXT = "q7Zt9" + "WmE4xK2vRb8" + "YpLs6NcD3gHf"
HEX_TEXT = "9f86d081" + "884c7d659a2feaa0c55ad015"


def found(path: str, source: str) -> list[tuple[str, str]]:
    content = source.encode()
    return [(hit.kind, content[hit.start : hit.end].decode()) for hit in find(path, content)]


@pytest.mark.parametrize(
    "source",
    [
        f"SECRET_KEY = '{HEX_TEXT}'",
        f"app.secret_key = '{HEX_TEXT}'",
        f"secret_key: str = '{HEX_TEXT}'",
        f"Middleware(secret_key='{HEX_TEXT}')",
        f"SETTINGS = {{'secret_key': '{HEX_TEXT}'}}",
        f"SETTINGS['secret_key'] = '{HEX_TEXT}'",
        f"def connect(host, password='{HEX_TEXT}'): ...",
        f"def connect(*, api_key='{HEX_TEXT}'): ...",
        f"ok = password == '{HEX_TEXT}'",
        f"DB_PASSWORD = b'{HEX_TEXT}'",
        f"clientSecret = '{HEX_TEXT}'",
    ],
)
def test_what_python_calls_a_secret(source):
    assert [kind for kind, _ in found("tea.py", source)] == [HARD_CODED]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tea.js", f"const apiKey = '{HEX_TEXT}';"),
        ("tea.js", f'{{ "api_key": "{HEX_TEXT}" }}'),
        ("tea.json", f'{{"password": "{HEX_TEXT}"}}'),
        ("tea.yaml", f"auth:\n  password: {HEX_TEXT}\n"),
        ("tea.toml", f"api-key = '{HEX_TEXT}'"),
        ("tea.properties", f"db.password={HEX_TEXT}"),
        ("tea.html", f'<script data-access-token="{HEX_TEXT}">'),
    ],
)
def test_what_other_files_call_a_secret(path, source):
    assert [kind for kind, _ in found(path, source)] == [HARD_CODED]


@pytest.mark.parametrize(
    "source",
    [
        "password = 'Your password'",
        "API_KEY = 'X-API-Key'",
        "secret = '${SECRET}'",
        "secret = '{{ secret }}'",
        "PASSWORD = '<password>'",
        "TOKEN_TYPE = 'edgekit-view+jwt-2026'",
        "password = 'short1'",
        "SECRET_FILE = '/run/secrets/db1'",
        "secret = '/run/secrets/db1'",
        "API_KEY_URL = api_key = 'https://example.com/keys/1'",
        f"ETAG = '{HEX_TEXT}'",
        "password = None",
        f"# SECRET_KEY = '{HEX_TEXT}'",
    ],
)
def test_what_is_harmless_in_python(source):
    assert found("tea.py", source) == []


@pytest.mark.parametrize("path", ["tea.py", "tea.js", "tea.json", "tea.html"])
def test_a_random_string_needs_no_name(path):
    assert found(path, f'["x", "{RANDOM_TEXT}"]')[0][0] == RANDOM


@pytest.mark.parametrize(
    "text",
    [
        "AccountCreateParamsCapabilitiesTaxReportingUs1099K",
        "WebFetchTool20260318Param",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "select2/dropdown/minimumResultsForSearch",
        "sha256-" + RANDOM_TEXT + RANDOM_TEXT,
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        HEX_TEXT,
        "aaaaaaaaaaaaaaaaaaaaaaaaB1",
        "q7Zt9WmE4xK2",
    ],
)
def test_what_is_not_random(text):
    assert judge("", text) == ""


def test_where_a_string_stands_in_python():
    source = f"x = 1\ntea = 'grün', '{RANDOM_TEXT}'  # a key\n"
    assert found("tea.py", source) == [(RANDOM, f"'{RANDOM_TEXT}'")]
    spread = f"x = ('{RANDOM_TEXT[:12]}'\n     '{RANDOM_TEXT[12:]}')\r\ny = 1"
    assert found("tea.py", spread)[0][1].count("\n") == 1


@pytest.mark.parametrize("content", [b"not python (", b"\0", b"x = '\xff'", b"\xff\xfe\0"])
def test_what_cannot_be_read_holds_nothing(content):
    assert list(find("tea.py", content)) == []
    assert list(find("tea.bin", content)) == []


def test_entropy():
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
