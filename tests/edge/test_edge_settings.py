"""What `edgekit edge` is told is checked before it listens (case N9): one sentence for each mistake."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import Stateless
from edge.keys import load_or_create
from edge.server.settings import SettingError, check, load, proxies

Environment = dict[str, str]
WRAPPED = "import edge\nasync def app(scope, receive, send): ...\nwrapped = edge.Stateless(app)\n"


@pytest.fixture
def good(tmp_path: Path) -> Environment:
    """Settings with nothing wrong in them."""
    load_or_create(tmp_path)
    load_or_create(tmp_path, "origin")
    manifest = tmp_path / "_edge" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"roles": {"kit": "/_edge/kit/0/"}}))
    return {
        "EDGEKIT_ADDRESS": "https://Tea.example",
        "EDGEKIT_ORIGIN": "http://10.0.0.5:8001, https://origin.example",
        "EDGEKIT_ORIGIN_KEYS": str(tmp_path / "origin-public.json"),
        "EDGEKIT_KEYS": str(tmp_path / "edge-private.json"),
        "EDGEKIT_RELEASE": str(tmp_path),
        "EDGEKIT_SITES": "https://other.example",
    }


def test_good_settings(good: Environment) -> None:
    assert check(good, "0.0.0.0").origin == "https://tea.example"
    assert check({"EDGEKIT_KEYS": Path(good["EDGEKIT_KEYS"]).read_text()}, "127.0.0.1").origin is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ADDRESS", "tea.example", "EDGEKIT_ADDRESS: 'tea.example' is not an origin"),
        ("ADDRESS", "https://tea.example/shop", "is not an origin"),
        ("ADDRESS", "", "EDGEKIT_ADDRESS is not set: to listen on 0.0.0.0"),
        ("ORIGIN", "localhost:8001", "EDGEKIT_ORIGIN: 'localhost:8001' is not a URL"),
        ("ORIGIN", "http://a, ftp://b", "EDGEKIT_ORIGIN: 'ftp://b' is not a URL"),
        ("ORIGIN", "http://a:99999", "is not a URL"),
        ("ORIGIN", "http://[", "is not a URL"),
        ("ORIGIN", "http://u:p@a", "is not a URL"),
        ("KEYS", "", "EDGEKIT_KEYS is not set"),
        ("KEYS", "/nowhere.json", "/nowhere.json is not a usable set of keys: No such file"),
        ("KEYS", "{", "EDGEKIT_KEYS: it is not a usable set of keys"),
        ("KEYS", '{"keys": []}', "no private key of use 'sig'"),
        ("ORIGIN_KEYS", "/nowhere.json", "EDGEKIT_ORIGIN_KEYS: /nowhere.json is not a usable set"),
        ("RELEASE", "/nowhere", "EDGEKIT_RELEASE: /nowhere holds no release"),
        ("SITES", "other.example", "EDGEKIT_SITES: 'other.example' is not an origin"),
        ("CATALOG_MEMORY", "much", "EDGEKIT_CATALOG_MEMORY: 'much' is not a number of MiB."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(good: Environment, name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingError) as refused:
        check(good | {f"EDGEKIT_{name}": value}, "0.0.0.0")
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_public_keys_are_no_keys_of_an_edge(good: Environment, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="name the private file"):
        check(good | {"EDGEKIT_KEYS": str(tmp_path / "edge-public.json")}, "127.0.0.1")


def test_a_broken_key_is_not_shown(good: Environment) -> None:
    document = json.loads(Path(good["EDGEKIT_KEYS"]).read_text())
    secret = document["keys"][0]["d"]
    document["keys"][0]["x"] = "!"
    with pytest.raises(SettingError) as refused:
        check(good | {"EDGEKIT_KEYS": json.dumps(document)}, "127.0.0.1")
    assert secret not in str(refused.value)


def test_a_release_is_one_with_a_kit(good: Environment, tmp_path: Path) -> None:
    for content in ("{", "[]", "{}"):
        (tmp_path / "_edge" / "manifest.json").write_text(content)
        with pytest.raises(SettingError, match="holds no release"):
            check(good, "127.0.0.1")


def test_proxies_are_addresses_and_networks() -> None:
    assert proxies("") == []
    # As uvicorn compares them: with host bits set it would trust nobody.
    assert proxies("10.0.0.7, 10.1.2.3/16,::1") == ["10.0.0.7/32", "10.1.0.0/16", "::1/128"]
    for wrong in ("*", "nginx", "10.0.0.7, all"):
        with pytest.raises(SettingError, match="no address and no network"):
            proxies(wrong)


# The app


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """`write(source)`: a module of a new name in `tmp_path`; returns that name."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(source: str) -> str:
        name = f"app_of_a_test_{abs(hash(source))}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_the_app_is_found_in_its_folder(write: Callable[[str], str], tmp_path: Path) -> None:
    assert isinstance(load(f"{write(WRAPPED)}:wrapped", tmp_path), Stateless)


@pytest.mark.parametrize(
    ("source", "attribute", "sentence"),
    [
        (WRAPPED, "app", "is not wrapped: let it be edge.Stateless"),
        (WRAPPED, "ap", 'Attribute "ap" not found'),
        ("\nimport os\nos.environ['NOT_SET_BY_ANYBODY']", "app", "cannot be imported: KeyError: 'NOT_SET"),
        ("import no_such_module_here", "app", "cannot be imported: ModuleNotFoundError"),
        ("app = (", "app", "cannot be imported: SyntaxError"),
        ("raise SystemExit('no')", "app", "cannot be imported: SystemExit: no"),
        ("raise ValueError('a\\nb')", "app", "cannot be imported: ValueError: a b"),
    ],
)
def test_an_app_that_cannot_be_had(
    write: Callable[[str], str], tmp_path: Path, source: str, attribute: str, sentence: str
) -> None:
    name = write(source)
    with pytest.raises(SettingError) as refused:
        load(f"{name}:{attribute}", tmp_path)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    if "KeyError" in sentence:
        assert f"({name}.py, line 3)" in str(refused.value)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="There is no folder"):
        load("a:b", tmp_path / "none")
    with pytest.raises(SettingError, match="Could not import module"):
        load("no_such_module_here:app", tmp_path)
    with pytest.raises(SettingError, match="must be in format"):
        load("no_colon", tmp_path)
