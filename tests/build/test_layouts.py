"""Projects as tutorials lay them out (case P19)."""

from __future__ import annotations

import zipfile

import pytest

from edge.cli import main, parser
from edge.release import BuildError
from edge.release.sources import app_files, is_lone, parse_target

TUTORIAL = """\
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from edge import Stateless

templates = Jinja2Templates(directory="templates")
assert templates.get_template("item.html").render(id=1) == "item 1"
assert Path("static/styles.css").read_text() == "h1 {}"


async def item(request):
    return templates.TemplateResponse(request, "item.html", {"id": 1})


files = Mount("/static", StaticFiles(directory="static"), name="static")
app = Stateless(Starlette(routes=[Route("/", item), files]), anywhere=["/"])
"""


@pytest.fixture
def write(tmp_path):
    """`write({path: text})` makes a project."""

    def run(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return run


BESIDE = {"templates/item.html": "item {{ id }}", "static/styles.css": "h1 {}", "data/customers.json": "[]"}


def test_fastapis_tutorial_layout_works_as_it_is(write, run_build, tmp_path):
    folder = write({"main.py": TUTORIAL, "requirements.txt": "jinja2\n", **BESIDE})
    release = run_build("main:app", tmp_path / "out", app_dir=folder, development=True)
    names = set(zipfile.ZipFile(release.file("app")).namelist())
    assert names == {"main.py", "templates/item.html", "static/styles.css"}


@pytest.mark.parametrize(
    ("spec", "files", "static", "shipped"),
    [
        # A package that names what lies beside it.
        ("app.main:app", {"app/main.py": TUTORIAL, "app/__init__.py": ""}, (), {"static", "templates"}),
        # Nobody names it: it is no part of a package.
        ("app.main:app", {"app/main.py": "", "app/__init__.py": ""}, (), set()),
        ("main:app", {"main.py": ""}, (), {"static", "templates"}),
        # Served by URL, in the release and not in the app.
        ("main:app", {"main.py": ""}, ("static",), {"templates"}),
        ("main:app", {"main.py": 'StaticFiles(directory="./data/")'}, (), {"static", "templates", "data"}),
        ("main:app", {"main.py": 'x.StaticFiles("data")'}, (), {"static", "templates", "data"}),
        ("main:app", {"main.py": 'StaticFiles(Path("data"))'}, (), {"static", "templates", "data"}),
        ("main:app", {"main.py": 'open("data/customers.json")'}, (), {"static", "templates"}),
        *[
            ("main:app", {"main.py": f"StaticFiles(directory={name!r})"}, (), {"static", "templates"})
            for name in (".", "..", "/etc", "../data", ".git", "nowhere", "tests")
        ],
    ],
)
def test_which_folders_belong_to_an_app(write, spec, files, static, shipped):
    folder = write({**files, **BESIDE, ".git/config": "", "tests/x": ""})
    target = parse_target(spec, folder)
    public = app_files(target, (), {folder / name for name in static}).public
    modules = {name.partition("/")[0] for name in files}
    assert {name.partition("/")[0] for name in public} - modules == shipped
    assert is_lone(target) == (spec == "main:app")


def test_what_was_not_shipped_is_named(write, run_build, tmp_path):
    folder = write({"main.py": 'app = open("content/tea.txt").read()\n', "content/tea.txt": "green"})
    with pytest.raises(BuildError, match=r"'content/tea\.txt' was not shipped; add --include content"):
        run_build("main:app", tmp_path / "out", app_dir=folder, development=True)


@pytest.mark.parametrize("verb", [["serve", "main:app"], ["build", "main:app", "-o", "out"]])
def test_both_commands_can_include_and_exclude(verb):
    options = parser().parse_args([*verb, "--include", "content", "--include", "more", "--exclude", "numpy"])
    assert (options.include, options.exclude) == (["content", "more"], ["numpy"])


def test_what_is_included_has_to_be_there(capsys, write, tmp_path):
    folder = write({"main.py": ""})
    words = [
        "build",
        "main:app",
        "--app-dir",
        str(folder),
        "-o",
        str(tmp_path / "out"),
        "--include",
        "nowhere",
    ]
    assert main(words) == 1
    assert "There is no package, module or folder 'nowhere'" in capsys.readouterr().err
