"""No secret leaves with a release: where it is found, how it is reported, and what is no alarm."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile

import brotli
import pytest

from edge.keys import generate
from edge.release import BuildError
from edge.release.cache import Cache
from edge.release.secrets import ALLOWED, File, Search, read_allowed
from edge.release.sources import parse_target

TOKEN = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"
PLANTED = "k9#planted-canary"
PEM_IN_PYTHON = (
    "KEY = '''-----BEGIN PRIVATE KEY-----\n"
    + "MC4CAQAwBQYDK2VwBCIEIMC4" * 3
    + "\n-----END PRIVATE KEY-----'''  # edgekit: not-secret\n"
)


@pytest.fixture
def search(tmp_path):
    """`search(files, canaries, allowed)`: what is found, as it is shown."""

    def run(files, canaries=None, allowed=()):
        searching = Search(canaries or {}, allowed, Cache(tmp_path))
        for file in files:
            searching.look(file)
        return [str(finding) for finding in searching.findings]

    return run


def zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_a_line_in_text_a_byte_in_the_rest(search):
    assert search([File("tea.py", f"x = 1\ny = '{TOKEN}'\n".encode())]) == ["tea.py:2: GitHub token"]
    assert search([File("tea.pyc", b"\0\0" + TOKEN.encode())]) == ["tea.pyc, byte 2: GitHub token"]


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("tea.zip", zipped({"cup.txt": TOKEN.encode()}), "tea.zip/cup.txt:1"),
        ("tea.txt.gz", gzip.compress(TOKEN.encode()), "tea.txt:1"),
        ("tea.txt.br", brotli.compress(TOKEN.encode()), "tea.txt:1"),
        ("a.zip", zipped({"b.whl": zipped({"c.gz": gzip.compress(TOKEN.encode())})}), "a.zip/b.whl/c:1"),
    ],
)
def test_after_decompression(search, name, content, where):
    assert search([File(name, content)]) == [f"{where}: GitHub token"]
    assert search([File(name, content)], {"SECRET": {TOKEN}}) == [f"{where}: value of SECRET"]


def test_in_what_is_large(search):
    content = b"x" * 100_000 + b"\n" + TOKEN.encode() + b"\n"
    for _ in range(2):  # what was found is found again, though what is clean is remembered
        assert search([File("tea.txt", content)]) == ["tea.txt:2: GitHub token"]
    assert search([File("tea.txt", b"x" * 100_000)]) == []
    assert search([File("tea.txt", b"x" * 100_000 + PLANTED.encode())]) == []
    assert search([File("tea.txt", b"x" * 100_000 + PLANTED.encode())], {"A": {PLANTED}}) != []


def test_the_secret_itself_is_not_shown_and_names_no_file(search, tmp_path):
    content = b"x" * 100_000 + PLANTED.encode()
    searching = Search({"TEA_SECRET": {PLANTED}}, (), Cache(tmp_path))
    searching.look(File("tea.txt", content))
    with pytest.raises(BuildError) as caught:
        searching.conclude()
    assert "value of TEA_SECRET" in str(caught.value)
    assert PLANTED not in str(caught.value) + caught.value.detail + repr(searching.findings)
    for path in tmp_path.rglob("*"):
        assert PLANTED not in str(path)
        assert path.is_dir() or PLANTED.encode() not in path.read_bytes()


def test_packages_are_not_searched_for_what_only_reminds(search):
    sources = b"SECRET_KEY = '9f86d081884c7d659a2feaa0c55ad015'\nurl = 'postgres://app:s3cr3t@db/tea'\n"
    assert search([File("site.zip", zipped({"tea.py": sources}), own=False)]) == []
    assert len(search([File("app.zip", zipped({"tea.py": sources}))])) == 2


def test_one_line_is_reported_once(search):
    assert search([File("tea.js", f"const apiKey = '{TOKEN}'".encode())], {"A_KEY": {TOKEN}}) == [
        "tea.js:1: value of A_KEY"
    ]


def test_what_the_source_has_shown_is_not_shown_again_where_it_is_compiled(search):
    source = File("tea.py", f"x = '{TOKEN}'".encode())
    compiled = File("app.zip", zipped({"tea.pyc": b"\0" + TOKEN.encode()}), compiled=True)
    assert search([source, compiled]) == ["tea.py:1: GitHub token"]
    assert search([compiled]) == ["app.zip/tea.pyc, byte 1: GitHub token"]
    assert len(search([source, source._replace(path="cup.py")])) == 2


def test_key_files_by_their_names(search):
    assert search([File("tea/id_ed25519", b"x")]) == ["tea/id_ed25519:1: key file"]
    assert search([File("tea/store.p12", b"\0")]) == ["tea/store.p12, byte 0: key file"]
    assert search([File("tea/id_rsa.py", b"")]) == []


def test_archives_that_cannot_be_looked_into(search):
    closed = bytearray(zipped({"tea.txt": b"x"}))
    closed[closed.index(b"PK\x01\x02") + 8] |= 1
    expected = "tea.zip/tea.txt: archive that cannot be looked into"
    assert search([File("tea.zip", bytes(closed))]) == [expected]
    assert search([File("tea.zip", bytes(closed))], allowed=[tuple(expected.rsplit(": ", 1))]) == []


# No alarm


@pytest.mark.parametrize(
    "source",
    [
        f"x = '{TOKEN}'  # edgekit: not-secret\n",
        f"/* edgekit: not-secret */ const x = '{TOKEN}';\n",
        PEM_IN_PYTHON,
    ],
)
def test_a_comment_on_its_line_allows_it(search, source):
    assert search([File("tea.py", source.encode())]) == []
    assert len(search([File("tea.py", source.replace("not-secret", "").encode())])) == 1


def test_a_comment_on_another_line_does_not(search):
    assert search([File("tea.py", f"# edgekit: not-secret\nx = '{TOKEN}'\n".encode())]) != []


def test_what_a_comment_allows_is_allowed_where_it_is_compiled(search):
    pem = "-----BEGIN PRIVATE KEY-----\\n" + "MC4CAQAwBQYDK2VwBCIEIMC4" * 3 + "\\n-----END PRIVATE KEY-----"
    source = File("tea.py", f"x = '{pem}'  # edgekit: not-secret".encode())
    compiled = File("app.zip", zipped({"tea.pyc": b"\0" + pem.replace("\\n", "\n").encode()}), compiled=True)
    assert search([source, compiled]) == []
    assert search([compiled]) != []


def test_a_list_of_the_project_allows_what_has_no_comments(search, tmp_path):
    (tmp_path / "tea").mkdir()
    (tmp_path / ALLOWED).write_text("# harmless:\n/static/*.json: GitHub token  # an example\n\n")
    (tmp_path / "tea" / ALLOWED).write_text("site.zip/*/x.py: private key\nnonsense\n")
    allowed = read_allowed(parse_target("tea:app", tmp_path))
    assert allowed == [("/static/*.json", "GitHub token"), ("site.zip/*/x.py", "private key")]
    assert search([File("/static/a.json", TOKEN.encode())], allowed=allowed) == []
    assert search([File("/static/a.txt", TOKEN.encode())], allowed=allowed) != []
    assert read_allowed(parse_target("cup:app", tmp_path / "cup")) == []


# For real


@pytest.fixture
def fail(run_build, app_dir, tmp_path):
    """`fail()` builds the changed tiny shop, which must not work; returns what a person reads."""

    def run(**options):
        with pytest.raises(BuildError) as caught:
            run_build("tinyshop.app:app", tmp_path / "out", app_dir=app_dir, **options)
        assert not (tmp_path / "out").exists()
        assert len(str(caught.value).splitlines()) == 1
        return f"{caught.value}\n{caught.value.detail}"

    return run


def test_a_clean_app_says_so(shop):
    (step,) = [step for step in shop.steps if step.name == "secrets"]
    assert step.note.startswith("none in ")
    assert int(step.note.split()[2]) > 20


@pytest.mark.parametrize("development", [True, False])
def test_the_value_of_a_variable_in_the_sources(fail, app_dir, monkeypatch, development):
    monkeypatch.setenv("TEA_TOKEN", PLANTED)
    (app_dir / "tinytools.py").write_text(f'NAME = "tea"\nX = "{PLANTED}"\n')
    said = fail(development=development)
    assert "(tinytools.py:2: value of TEA_TOKEN)" in said
    assert PLANTED not in said


@pytest.mark.parametrize(
    "write",
    [
        lambda value: base64.b64encode(f"user:{value}".encode()),
        lambda value: gzip.compress(json.dumps({"key": value}).encode()),
        lambda value: zipped({"a.zip": zipped({"b": value.encode()})}),
        lambda value: value.encode().hex().encode(),
    ],
    ids=["base64", "gzip", "zip in a zip", "hex"],
)
def test_the_value_of_a_variable_in_a_static_file(fail, app_dir, monkeypatch, write):
    monkeypatch.setenv("TEA_TOKEN", PLANTED)
    (app_dir / "tinyshop" / "static" / "leaf.bin").write_bytes(write(PLANTED))
    assert "/assets/leaf" in fail(development=True)


def test_the_configured_keys(fail, app_dir, monkeypatch, tmp_path):
    keys = generate()
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    monkeypatch.setenv("EDGEKIT_KEYS", str(tmp_path / "keys.json"))
    private = keys["keys"][0]["d"]
    (app_dir / "tinyshop" / "static" / "leaf.bin").write_bytes(b"\0" + private.encode())
    said = fail(development=True)
    assert "/assets/leaf.bin, byte 1: value of EDGEKIT_KEYS" in said
    assert private not in said


def test_a_private_key_set_beside_the_app(fail, app_dir):
    (app_dir / "tinyshop" / "keys.json").write_text(json.dumps(generate(), indent=1))
    assert "tinyshop/keys.json:3: private JWK" in fail(development=True)


def test_a_hard_coded_secret_is_found_in_the_bytecode_no_second_time(fail, app_dir):
    module = app_dir / "tinyshop" / "app.py"
    module.write_text(module.read_text() + f'\nsecret_key = "{TOKEN}"\n')
    said = fail()
    assert said.count("GitHub token") == 2  # the sentence and the list
    assert "app.zip" not in said


def test_what_the_compiler_has_put_together(fail, app_dir):
    module = app_dir / "tinyshop" / "app.py"
    module.write_text(module.read_text() + f'\nX = "{TOKEN[:9]}" + "{TOKEN[9:]}"\n')
    assert "app.zip/tinyshop/app.pyc, byte " in fail()


def test_a_false_alarm_can_be_allowed(run_build, app_dir, tmp_path):
    (app_dir / "tinytools.py").write_text(f'NAME = "tea"\nX = "{TOKEN}"  # edgekit: not-secret\n')
    (app_dir / "tinyshop" / "static" / "leaf.json").write_text(f'{{"x": "{TOKEN}"}}')
    (app_dir / "tinyshop" / ALLOWED).write_text("/assets/leaf.json: GitHub token\n")
    run_build("tinyshop.app:app", tmp_path / "out", app_dir=app_dir)
    with zipfile.ZipFile(next((tmp_path / "out" / "_edge" / "app").rglob("app.zip"))) as archive:
        assert f"tinyshop/{ALLOWED}" not in archive.namelist()


def test_what_is_server_only_may_hold_secrets(run_build, app_dir, tmp_path):
    (app_dir / "tinyshop" / "home.py").write_text(f'import edge.server_only\n\nX = "{TOKEN}"\n')
    run_build("tinyshop.app:app", tmp_path / "out", app_dir=app_dir, development=True)


@pytest.mark.parametrize(
    "unit", ["x", "x.", '"', "{", '{"kty"', "eyJ", "a://b:", "-----BEGIN PRIVATE KEY-----", " ", "\n", "a = "]
)
def test_what_repeats_for_long_takes_no_time_to_speak_of(search, unit):
    for name in ("tea.js", "tea.yaml", "tea.bin"):
        search([File(name, (unit * 300_000)[:300_000].encode())])  # a slip here is a matter of hours
