"""What an app keeps on servers: what counts as that, what is left out, and what the build says."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from edge.release import BuildError
from edge.release.cache import Cache
from edge.release.server_only import LIST, divide, imports, refuse_reached
from edge.release.sources import app_files, parse_target
from edge.release.toolchain import find

MARKED = b"import edge.server_only\n"


def loaded(source: str, path: str = "tea/app.py") -> set[str]:
    return {module for one in imports(path, source.encode()) for module in one.modules}


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import a.b.c", {"a", "a.b", "a.b.c"}),
        ("import a as b, c", {"a", "c"}),
        ("from a.b import c, d", {"a", "a.b", "a.b.c", "a.b.d"}),
        ("from . import cart", {"tea", "tea.cart"}),
        ("from .cart import add", {"tea", "tea.cart", "tea.cart.add"}),
        ("try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c", {"a", "b", "c"}),
        ("class A:\n    import a", {"a"}),
        ("with x:\n    import a", {"a"}),
        ("match x:\n    case 1:\n        import a", {"a"}),
        ("if x:\n    import a\nelif y:\n    import b\nelse:\n    import c", {"a", "b", "c"}),
        ("def f():\n    import a", set()),
        ("async def f():\n    import a", set()),
        ("class A:\n    def f(self):\n        import a", set()),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {"b"}),
        ("if typing.TYPE_CHECKING:\n    import a", set()),
        ("if sys.platform != 'emscripten':\n    import a\nelse:\n    import b", {"b"}),
        ('if sys.platform == "emscripten":\n    import a\nelse:\n    import b', {"a"}),
        ("not python", set()),
        ("\0", set()),
    ],
)
def test_what_is_imported_together_with_a_module(source, modules):
    assert loaded(source) == modules


def test_relative_imports_of_a_package_begin_with_itself():
    assert loaded("from .cart import add", "tea/shelf/__init__.py") == {
        *("tea", "tea.shelf", "tea.shelf.cart", "tea.shelf.cart.add"),
    }
    assert loaded("from ..cart import add", "tea/shelf/top.py") == {"tea", "tea.cart", "tea.cart.add"}


@pytest.mark.parametrize(
    "mark", ["import edge.server_only", "from edge import server_only", "import edge.server_only as home"]
)
def test_a_marked_module_stays(mark):
    public, home = divide({"tea/prices.py": mark.encode(), "tea/app.py": b"import edge"})
    assert (set(public), home) == ({"tea/app.py"}, {"tea.prices"})


def test_of_a_marked_package_everything_stays():
    files = {"tea/home/__init__.py": MARKED, "tea/home/deep/prices.py": b"", "tea/home/prompt.txt": b"x"}
    public, home = divide({**files, "tea/homely.py": b"", "tea/app.py": b""})
    assert set(public) == {"tea/homely.py", "tea/app.py"}
    assert home == {"tea.home"}


@pytest.mark.parametrize(
    "source",
    [
        "# import edge.server_only",
        "def f():\n    import edge.server_only",
        "from tea import server_only",
        "'import edge.server_only'",
    ],
)
def test_a_mention_is_no_mark(source):
    assert divide({"tea/app.py": source.encode()}) == ({"tea/app.py": source.encode()}, set())


FILES = {
    "tea/__init__.py": b"",
    "tea/app.py": b"import edge\n\nfrom . import orders\n",
    "tea/orders.py": b"from tea import report\n\n\ndef place():\n    from tea import prices\n",
    "tea/report.py": b"",
    "tea/prices.py": MARKED,
}


def test_a_lazy_import_of_what_stays_is_right():
    refuse_reached("tea.app", FILES, {"tea.prices"})


def test_an_import_on_the_way_of_the_start_is_refused_with_that_way():
    files = {**FILES, "tea/report.py": b'"""Sums."""\nfrom .prices import margin\n'}
    with pytest.raises(BuildError) as caught:
        refuse_reached("tea.app", files, {"tea.prices"})
    assert str(caught.value) == (
        "tea.prices is server-only, but the app imports it when it starts "
        "(tea.app → tea.orders → tea.report → tea.prices): import it inside the handlers that need it."
    )
    assert caught.value.detail.splitlines() == [
        "tea/app.py:3 imports tea.orders",
        "tea/orders.py:1 imports tea.report",
        "tea/report.py:2 imports tea.prices",
    ]


def test_the_shortest_way_is_shown():
    files = {
        **FILES,
        "tea/app.py": b"from . import orders, prices\n",
        "tea/report.py": b"import tea.prices\n",
    }
    with pytest.raises(BuildError, match=r"\(tea.app → tea.prices\)"):
        refuse_reached("tea.app", files, {"tea.prices"})


def test_modules_that_import_each_other_come_to_an_end():
    refuse_reached("a", {"a.py": b"import b", "b.py": b"import a"}, {"c"})


def test_a_part_of_a_package_that_stays_is_refused_too():
    files = {**FILES, "tea/app.py": b"import tea.home.deep\n", "tea/home/__init__.py": MARKED}
    with pytest.raises(BuildError, match=r"^tea.home is server-only"):
        refuse_reached("tea.app", {**files, "tea/home/deep.py": b""}, {"tea.home"})


@pytest.mark.parametrize("name", ["tea/__init__.py", "tea/app.py"])
def test_an_app_that_is_server_only_itself_is_refused(name):
    module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    with pytest.raises(BuildError, match=rf"\({module}\)|\(tea\)"):
        refuse_reached("tea.app", {**FILES, name: MARKED}, {module})


def test_what_only_they_import_stays_too(tmp_path):
    for name, source in {
        "tea.py": b"def show():\n    import prices\n",
        "prices.py": MARKED + b"import margins\n",
        "margins.py": b"",
    }.items():
        (tmp_path / name).write_bytes(source)
    public, home = app_files(parse_target("tea:app", tmp_path), (), ())
    assert set(public) == {"tea.py", LIST}
    assert public[LIST].split() == [b"edge.server_only", b"prices"]
    assert set(home) == {"prices.py", "margins.py"}


# For real

HANDLER = """

async def secret(request):
    from tinyshop import home

    return home.answer()


from starlette.routing import Route

app.app.router.routes.append(Route("/secret", secret))
"""
HOME = """\
import edge.server_only

MARGIN = "a margin that nobody may see"


def answer():
    return MARGIN
"""
PROGRAM = """
import importlib, json, sys
sys.path[:1] = ["/app", "/app-site/site.zip"]
late = importlib.import_module("edge.hosts.late")
late.install()
late.arrived()
found = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        found[name] = "there"
    except Exception as error:
        found[name] = type(error).__name__
print(json.dumps(found))
"""


@pytest.fixture
def home_app(app_dir):
    """The tiny shop with a module that stays at home, imported by one handler."""
    module = app_dir / "tinyshop" / "app.py"
    module.write_text(module.read_text() + HANDLER)
    (app_dir / "tinyshop" / "home.py").write_text(HOME)
    return app_dir


@pytest.mark.parametrize("development", [True, False])
def test_the_module_is_in_no_file_of_the_release(run_build, home_app, tmp_path, development):
    release = run_build("tinyshop.app:app", tmp_path / "out", app_dir=home_app, development=development)
    names = zipfile.ZipFile(release.file("app")).namelist()
    assert "tinyshop/home.py" not in names
    assert "tinyshop/home.pyc" not in names
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"nobody may see" not in path.read_bytes(), path


def test_in_pyodide_who_imports_it_needs_an_edge_also_when_all_else_is_there(
    run_build, home_app, tmp_path, cache
):
    release = run_build("tinyshop.app:app", tmp_path / "out", app_dir=home_app)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = find(Cache(cache), Path.cwd()).python(
        program,
        ["tinyshop.home", "edge.server_only", "tinyshop.nowhere", "tinytools"],
        stdlib=release.file("stdlib"),
        copies={"/app-site/site.zip": release.file("site")},
        unpacked=[(release.file("edge"), "/app"), (release.file("app"), "/app"), (release.file("late"), "/")],
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "tinyshop.home": "NeedsEdge",
        "edge.server_only": "NeedsEdge",
        "tinyshop.nowhere": "ModuleNotFoundError",
        "tinytools": "there",
    }


def test_a_build_that_would_reach_it_fails(run_build, home_app, tmp_path):
    module = home_app / "tinytools.py"
    module.write_text(module.read_text() + "\nimport tinyshop.home\n")
    with pytest.raises(BuildError, match=r"\(tinyshop\.app → tinytools → tinyshop\.home\)"):
        run_build("tinyshop.app:app", tmp_path / "out", app_dir=home_app)
    assert not (tmp_path / "out").exists()


def test_an_import_that_only_runs_shows_fails_too(run_build, home_app, tmp_path):
    module = home_app / "tinyshop" / "app.py"
    module.write_text(module.read_text() + "\nimport importlib\n\nimportlib.import_module('tinyshop.home')\n")
    with pytest.raises(BuildError, match="it needs something server-only; import that inside") as caught:
        run_build("tinyshop.app:app", tmp_path / "out", app_dir=home_app)
    assert "the module tinyshop.home" in caught.value.detail
