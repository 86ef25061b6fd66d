"""What a person reads when an app cannot be built: one sentence that names the cause and the way out."""

from __future__ import annotations

import pytest

from edge.cli import main
from edge.release import BuildError
from edge.release.sources import app_files, parse_target, refuse_unknown


@pytest.fixture
def fail(run_build, tmp_path):
    """`fail(source, requirements)` builds a one-module app and returns the error."""

    def run(source, requirements=""):
        named = "" if "app" in source else "\napp = print\n"  # else that is the first to be noticed
        (tmp_path / "broken.py").write_text(source + named)
        (tmp_path / "requirements.txt").write_text(requirements)
        with pytest.raises(BuildError) as caught:
            run_build("broken:app", tmp_path / "out", app_dir=tmp_path, development=True)
        assert not (tmp_path / "out").exists()
        assert len(str(caught.value).splitlines()) == 1
        return caught.value

    return run


def test_a_package_for_which_there_is_no_wheel(fail):
    sentence = str(fail("", "jinja2\norjson\n"))
    assert sentence.startswith("orjson==")
    assert 'sys_platform != "emscripten"' in sentence
    assert "markupsafe" not in sentence


def test_a_package_that_does_not_exist(fail):
    error = fail("", "edgekit-of-another-name\n")
    assert "requirements.txt cannot be resolved for Pyodide" in str(error)
    assert "edgekit-of-another-name" in error.detail


def test_a_module_that_nothing_provides(fail):
    error = fail("def load():\n    import nowhere\n\n\nload()\n")
    assert "there is no module 'nowhere'" in str(error)
    assert "requirements" in str(error)
    assert error.detail.splitlines()[0] == '  File "/app/broken.py", line 5, in <module>'
    assert error.detail.endswith("ModuleNotFoundError: No module named 'nowhere'")


def test_a_module_beside_the_app_that_was_not_shipped(fail, tmp_path):
    (tmp_path / "plugin.py").write_text("")
    error = fail('import importlib\n\nimportlib.import_module("plugin")\n')
    assert "add --include plugin" in str(error)


def test_a_module_of_the_standard_library_that_is_not_there(fail):
    assert "lacks it" in str(fail("import grp\n"))


def test_an_app_that_raises(fail):
    error = fail('raise ValueError("no tea")\n')
    assert str(error).endswith("ValueError: no tea")


@pytest.mark.parametrize(
    ("message", "headline"),
    [
        (r"no httpx:\n    $ pip install httpx", "RuntimeError: no httpx:"),
        (r"\n\n  first\nlast", "RuntimeError: first"),
        ("", "RuntimeError"),
    ],
)
def test_a_message_of_several_lines(fail, message, headline):
    """Case P32: the exception's own first line, and not the last one."""
    assert str(fail(f'raise RuntimeError("{message}")\n')).endswith(f"in Pyodide: {headline}")


@pytest.mark.parametrize(
    "wait",
    [
        "while True:\n        pass",
        "while True:\n        try:\n            time.sleep(9e9)\n        except Exception:\n            pass",
    ],
)
def test_an_app_that_does_not_come_back(fail, monkeypatch, wait):
    """Case P24: it used to spin until somebody looked."""
    monkeypatch.setattr("edge.release.smoke.LIMIT", 4.0)
    error = fail(f"import time\n\ndef work():\n    {wait}\n\nwork()\n")
    assert "does not come back" in str(error)
    assert "in work" in error.detail


@pytest.mark.parametrize(
    "wait",
    ["concurrent.futures.Future().result()", "threading.Event().wait()", "queue.Queue().get()"],
)
def test_an_app_that_waits_for_another_thread(fail, wait):
    """Case P24: such a wait ends at once."""
    error = fail(f"import concurrent.futures, queue, threading\n\ndef work():\n    {wait}\n\nwork()\n")
    assert "it waits for another thread" in str(error)
    assert "in work" in error.detail


def test_an_app_that_exits(fail):
    assert "SystemExit" in str(fail("raise SystemExit(0)\n"))


def test_a_file_that_is_not_python(fail):
    error = fail("app = = 1\n")
    assert "SyntaxError" in str(error)
    assert "line 1" in error.detail


def test_something_that_is_not_an_app(fail):
    assert "is not an ASGI app: it is of type int" in str(fail("app = 1\n"))


def test_a_static_folder_that_is_not_there(fail):
    source = "from edge import Stateless\n\napp = Stateless(print, static={'/s': 'nowhere'})\n"
    assert "The static folder of /s is not there" in str(fail(source))


def test_an_app_that_is_not_there(run_build, tmp_path):
    with pytest.raises(BuildError, match="There is no package, module or folder 'broken'"):
        run_build("broken:app", tmp_path / "out", app_dir=tmp_path)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("brokn:app", "There is no package, module or folder 'brokn'"),
        ("broken.main:app", "There is no module 'broken.main'"),
        ("broken:ap", "broken has no attribute 'ap'; is it broken:app?"),
        ("broken:nothing", "broken has no attribute 'nothing'."),
    ],
)
def test_a_mistyped_name_is_noticed_before_anything_is_done(run_build, tmp_path, spec, sentence):
    """Case N16."""
    (tmp_path / "broken.py").write_text("import os as system\n\n\ndef app(): ...\n")
    steps = []
    with pytest.raises(BuildError) as caught:
        run_build(spec, tmp_path / "out", app_dir=tmp_path, report=steps.append)
    assert str(caught.value).startswith(sentence)
    assert steps == []


@pytest.mark.parametrize(
    "source", ["globals()['app'] = 1", "from other import *", "def __getattr__(name): ..."]
)
def test_a_name_that_only_an_import_can_find(tmp_path, source):
    (tmp_path / "broken.py").write_text(source)
    (tmp_path / "other.py").write_text("app = 1")
    target = parse_target("broken:app", tmp_path)
    refuse_unknown(target, app_files(target, (), ()))


@pytest.mark.parametrize("edge", ["a.example", "https://a.example/shop", "https://u:p@a.example"])
def test_an_edge_that_is_no_origin(run_build, tmp_path, edge):
    with pytest.raises(BuildError, match=r"--edge: .* is not an origin: write it like"):
        run_build("broken:app", tmp_path / "out", app_dir=tmp_path, edges=[edge])


def test_a_folder_with_something_else_in_it(run_build, tmp_path):
    (tmp_path / "work.txt").write_text("mine")
    with pytest.raises(BuildError, match="holds something else than a release"):
        run_build("broken:app", tmp_path)


@pytest.mark.parametrize("spec", ["broken", "broken:", ":app", "a/b:app", "a:b:c"])
def test_a_name_that_is_none(capsys, tmp_path, spec):
    assert main(["build", spec, "-o", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("edgekit: ")
    assert "module:attribute" in shown.err
    assert shown.out == ""


def test_a_wrong_quality(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["build", "broken:app", "-o", str(tmp_path), "--quality", "12"])
    assert "--quality" in capsys.readouterr().err
