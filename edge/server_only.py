"""`import edge.server_only` at the top of a module says: this stays on servers.

The build leaves such a module out of what browsers get; of a package whose `__init__.py` says so, all that
lies in it. If the app imports one when it starts, the build fails and shows by which way. Import it inside
the handlers that need it: in a browser that makes them escalate to a server.

The import does nothing. Linters take it for unused: `import edge.server_only  # noqa: F401`.
"""
