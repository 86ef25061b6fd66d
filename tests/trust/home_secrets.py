"""What a browser must not see."""

import edge.server_only  # noqa: F401 - the import is the mark

KEY = "only servers may know this"
