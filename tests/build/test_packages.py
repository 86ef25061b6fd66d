"""What a release takes from the packages that were installed for it."""

from __future__ import annotations

from edge.release.packages import read_packages


def installed(folder, distribution, *files):
    record = folder / f"{distribution}-1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("".join(f"{name},sha256=x,1\n" for name in files))
    for name in files:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"NAME = {distribution!r}\n")


def test_a_package_that_looks_for_the_module_it_hides_makes_room_for_it(tmp_path):
    """Case P30: that of python-multipart runs `multipart.py`, of another distribution, where it finds it."""
    installed(tmp_path, "python_multipart", "multipart/__init__.py", "python_multipart/__init__.py")
    installed(tmp_path, "multipart", "multipart.py")
    names = {name for name in read_packages(tmp_path) if name.endswith(".py")}
    assert names == {"multipart.py", "python_multipart/__init__.py"}


def test_a_package_stays_where_nobody_else_has_its_name(tmp_path):
    installed(tmp_path, "python_multipart", "multipart/__init__.py")
    assert "multipart/__init__.py" in read_packages(tmp_path)


def test_a_package_of_the_distribution_itself_hides_a_stray_module_as_ever(tmp_path):
    installed(tmp_path, "tea", "tea/__init__.py")
    installed(tmp_path, "stray", "tea.py")
    assert {"tea/__init__.py", "tea.py"} <= set(read_packages(tmp_path))
