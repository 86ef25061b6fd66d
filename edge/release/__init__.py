"""The build pipeline (CPython only): `build("module:app", folder)` makes what a browser can run."""

from . import history
from .failure import BuildError
from .manifest import Manifest
from .pipeline import build
from .steps import Report, Step

__all__ = ["BuildError", "Manifest", "Report", "Step", "build", "history"]
