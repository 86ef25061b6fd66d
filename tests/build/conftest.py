"""A small shop, built for real by Pyodide under Node.js; the whole session shares one cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge.release import Manifest, Step, build

FILES = {
    "tinyshop/__init__.py": "",
    "tinyshop/app.py": """\
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.templating import Jinja2Templates

import tinytools
from edge import Stateless

here = Path(__file__).parent
templates = Jinja2Templates(here / "templates")
assert templates.get_template("home.html").render(name="<tea>") == "<h1>&lt;tea&gt;</h1>"


async def home(request):
    return templates.TemplateResponse(request, "home.html", {"name": tinytools.NAME})


app = Stateless(
    Starlette(routes=[Route("/", home), Route("/products/{sku}", home)]),
    anywhere=["/", "/products/{sku}"],
    static={"/assets": here / "static"},
)
""",
    "tinyshop/templates/home.html": "<h1>{{ name }}</h1>",
    "tinyshop/static/shop.css": "h1 { color: seagreen }\n" * 40,
    "tinyshop/static/a picture.png": "not really",
    "tinyshop/static/.draft": "hidden",
    "tinyshop/catalog/products.json": "{}",
    "tinyshop/tests/test_app.py": "assert False",
    "tinyshop/.env": "SECRET=1",
    "tinyshop/requirements.txt": "jinja2\ntzdata\nedgekit[serve]\n",
    "tinytools.py": 'NAME = "tea"\n',
    "unrelated.py": "",
}


class Release(NamedTuple):
    """A release, and what was done to make it."""

    out: Path
    manifest: Manifest
    steps: list[Step]

    def file(self, role: str) -> Path:
        return self.out / self.manifest.document["roles"][role][1:]

    def worked(self) -> list[str]:
        """The steps in which something had to be done."""
        return [step.name for step in self.steps if not step.cached]


Build = Callable[..., Release]


@pytest.fixture(scope="session")
def write_app() -> Callable[[Path], Path]:
    """`write_app(folder)` puts the shop there."""

    def write(folder: Path) -> Path:
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def run_build(cache: Path) -> Build:
    """`run_build(spec, out, **options)` builds with the session's cache."""

    def run(spec: str, out: Path, **options: Any) -> Release:
        steps: list[Step] = []
        manifest = build(spec, out, **{"cache": cache, "quality": 1, "report": steps.append, **options})
        return Release(out, manifest, steps)

    return run


@pytest.fixture(scope="session")
def shop(
    run_build: Build, write_app: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Release:
    """The shop's production release; tests only read it. The app lies beside it, in `app`."""
    folder = tmp_path_factory.mktemp("shop")
    return run_build("tinyshop.app:app", folder / "out", app_dir=write_app(folder / "app"))


@pytest.fixture
def app_dir(shop: Release, tmp_path: Path) -> Path:
    """A copy of the shop, with its lock, to be changed."""
    return shutil.copytree(shop.out.parent / "app", tmp_path / "app")
