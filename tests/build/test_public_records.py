"""A collection that is shared and readable is public, and the build says so (case N2)."""

from __future__ import annotations

APP = """
from starlette.applications import Starlette

from edge import Stateless

app = Stateless(Starlette(), shared=["inspections", "stock"], readable=["inspections", "notes"])
"""


def test_the_build_names_what_anybody_can_read(run_build, tmp_path):
    (tmp_path / "open_app.py").write_text(APP)
    made = run_build("open_app:app", tmp_path / "out", app_dir=tmp_path)
    notes = {step.name: step.note for step in made.steps}
    assert notes["public"] == "shared and readable, so anybody can read all of it: inspections"


def test_a_build_without_such_a_collection_says_nothing(run_build, write_app, tmp_path):
    made = run_build("tinyshop.app:app", tmp_path / "out", app_dir=write_app(tmp_path / "app"))
    assert "public" not in [step.name for step in made.steps]
