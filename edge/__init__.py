"""edgekit: one ASGI app, answered by the browser, the edge and the origin."""

__version__ = "0.1.0"
