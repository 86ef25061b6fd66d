"""edgekit: one ASGI app, answered by the browser, the edge and the origin.

    Stateless     wraps your ASGI app; itself an ASGI app
    context       what a handler may use: user, state, catalog, records, now, sign_in(), form_key(), …
    Problem       a failure with a stable code (RFC 9457)

Tools are imported by path: `edge.testing.Client`, `edge.conformance`, `edge.server_only`.
"""

from .app import Stateless
from .catalog import CatalogReader
from .context import Context, context
from .errors import NeedsEdge, Problem
from .html import Html
from .records import Page, Record, Records
from .state import State
from .visitor import User

__version__ = "0.1.0"
__all__ = [
    "CatalogReader",
    "Context",
    "Html",
    "NeedsEdge",
    "Page",
    "Problem",
    "Record",
    "Records",
    "State",
    "Stateless",
    "User",
    "context",
]
