"""A second build does only what a change makes necessary."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from edge.release import BuildError, history


@pytest.fixture
def rebuild(shop, app_dir, run_build, tmp_path):
    """`rebuild(**options)` builds the copy of the shop for development; it has been built once before."""

    def run(**options):
        options = {"app_dir": app_dir, "development": True, **options}
        return run_build("tinyshop.app:app", tmp_path / "out", **options)

    run()
    return run


def test_nothing_changed_nothing_done(rebuild):
    assert rebuild().worked() == ["toolchain", "publish"]


def test_a_changed_handler_renews_the_app_alone(rebuild, app_dir):
    before = rebuild()
    with (app_dir / "tinyshop" / "app.py").open("a") as file:
        file.write("\n# changed\n")
    after = rebuild()
    assert after.worked() == ["toolchain", "app", "compress", "publish", "import"]
    old, new = before.manifest.document, after.manifest.document
    assert set(new["files"]) - set(old["files"]) == {new["roles"]["app"]}
    assert new["release"] != old["release"]


def test_what_the_app_says_of_itself_anew_follows_the_change(rebuild, app_dir):
    rebuild()
    source = app_dir / "tinyshop" / "app.py"
    source.write_text(source.read_text().replace('anywhere=["/", "/products/{sku}"]', 'anywhere=["/"]'))
    after = rebuild()
    assert [step.name for step in after.steps].count("publish") == 2
    assert [route["pattern"] for route in after.manifest.document["placement"]] == ["/"]
    assert history.current(after.out) == after.manifest.release


def test_a_change_that_cannot_be_imported_is_published_and_withdrawn(rebuild, app_dir, tmp_path, run_build):
    before = rebuild()
    seen = []

    def look(step):
        seen.append((step.name, history.current(before.out)))

    source = app_dir / "tinyshop" / "app.py"
    source.write_text(source.read_text() + "\nimport nonsense\n")
    options = {"app_dir": app_dir, "development": True, "report": look}
    with pytest.raises(BuildError, match="nonsense"):
        run_build("tinyshop.app:app", before.out, **options)
    published = dict(seen)
    draft = published["publish"]
    assert draft not in (None, before.manifest.release)
    assert published["withdraw"] == history.current(before.out) == before.manifest.release
    assert draft not in [one.release for one in history.releases(before.out)]
    assert not list(before.out.rglob(f"{draft}.*"))
    with pytest.raises(BuildError, match="nonsense"):
        run_build("tinyshop.app:app", before.out, keep=1, **options)
    assert [name for name, _ in seen].count("publish") == 1  # else there would be nothing to go back to


def test_in_development_nothing_is_left_for_later(rebuild):
    roles = rebuild().manifest.document["roles"]
    assert "late" not in roles
    assert {"stdlib", "site", "edge", "app"} <= roles.keys()


def test_a_new_import_moves_one_module(rebuild, app_dir):
    before = rebuild(development=False)
    with (app_dir / "tinytools.py").open("a") as file:
        file.write("\nimport colorsys\n")
    after = rebuild(development=False)
    old, new = (
        {name: set(zipfile.ZipFile(release.file(name)).namelist()) for name in ("stdlib", "site")}
        for release in (before, after)
    )
    assert new["stdlib"] - old["stdlib"] == {"colorsys.pyc"}
    assert new["site"] == old["site"]
    assert b"\ncolorsys\n" in zipfile.ZipFile(before.file("edge")).read("edge/hosts/late.txt")
    assert b"\ncolorsys\n" not in zipfile.ZipFile(after.file("edge")).read("edge/hosts/late.txt")


def test_in_production_too_a_changed_handler_renews_the_app_alone(rebuild, app_dir):
    before = rebuild(development=False)
    with (app_dir / "tinyshop" / "app.py").open("a") as file:
        file.write("\n\nasync def more(request):\n    return None\n")
    old, new = before.manifest.document, rebuild(development=False).manifest.document
    assert set(new["files"]) - set(old["files"]) == {new["roles"]["app"]}


def test_a_changed_static_file_imports_nothing(rebuild, app_dir):
    (app_dir / "tinyshop" / "static" / "shop.css").write_text("h1 { color: teal }\n" * 40)
    assert rebuild().worked() == ["toolchain", "compress", "publish"]


def test_further_edges_are_named_once_each_and_change_nothing_else(rebuild):
    alone = rebuild().manifest.document
    assert "edges" not in alone
    named = rebuild(
        edges=["https://B.example:443", "https://a.example", "https://b.example"]
    ).manifest.document
    assert named["edges"] == ["https://b.example", "https://a.example"]
    assert {**alone, "edges": named["edges"], "release": named["release"]} == named


def test_the_last_release_stays_for_pages_that_still_load_from_it(rebuild, app_dir):
    apps = [rebuild(keep=2).file("app")]
    for number in range(2):
        (app_dir / "tinytools.py").write_text(f"NAME = {number}\n")
        apps.append(rebuild(keep=2).file("app"))
    assert [app.exists() for app in apps] == [False, True, True]


def test_a_static_folder_of_any_name_is_found(rebuild, app_dir):
    (app_dir / "tinyshop" / "static").rename(app_dir / "tinyshop" / "public")
    source = app_dir / "tinyshop" / "app.py"
    source.write_text(source.read_text().replace('"static"', '"public"'))
    first = rebuild()
    assert set(first.manifest.document["static"]) == {"/assets/shop.css", "/assets/a picture.png"}
    assert b"seagreen" not in first.file("app").read_bytes()
    assert [step.name for step in first.steps].count("import") == 2
    source.write_text(source.read_text() + "\n# changed\n")
    assert [step.name for step in rebuild().steps].count("import") == 1  # it is remembered


def test_a_lock_holds_until_the_requirements_change(rebuild, app_dir):
    lock, requirements = (app_dir / "tinyshop" / name for name in ("edgekit.lock", "requirements.txt"))
    locked = lock.read_text()
    pinned = next(line for line in locked.splitlines() if line.startswith("idna=="))
    # An older version than the newest, as in a lock that was written a while ago.
    requirements.write_text("jinja2\nidna==3.10\n")
    rebuild()
    assert "idna==3.10 " in lock.read_text()
    requirements.write_text("jinja2\n")
    assert "resolve" in rebuild().worked()
    assert "idna==3.10 " in lock.read_text()
    assert "resolve" not in rebuild().worked()
    rebuild(upgrade=True)
    assert pinned in lock.read_text()


def test_a_damaged_release_is_repaired(rebuild):
    release = rebuild()
    release.file("app").write_bytes(b"")
    shutil.rmtree(release.file("wasm").parent)
    rebuild()
    assert (
        release.file("app").stat().st_size
        == release.manifest.document["files"][release.manifest.document["roles"]["app"]]["size"]
    )
    assert release.file("wasm").exists()
