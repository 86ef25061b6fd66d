"""A machine of its own for a test: its own network, and its own folders in the places that a page names.

Linux namespaces (`unshare`, `nsenter`): ports 80 and 443, /srv and /etc/nginx are then nobody else's, and
nothing of the machine is changed. Without root a user namespace is made as well.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

_READY = "ready\n"


class Namespace:
    """`folders` maps a path in the namespace to the folder or file that is seen there."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        mounts = [f"mount --bind '{source}' '{target}'" for target, source in folders.items()]
        script = " && ".join(["ip link set lo up", *mounts, "echo ready", "exec sleep infinity"])
        self._holder = subprocess.Popen(
            ["unshare", *user, "--net", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None
        line = self._holder.stdout.readline()
        assert line == _READY, (
            "this test needs Linux namespaces (CAP_SYS_ADMIN or unprivileged user namespaces)"
        )
        self._enter = ["nsenter", "--target", str(self._holder.pid), "--mount"]
        if user:
            self._enter += ["--user", "--preserve-credentials"]

    def prefix(self, *, online: bool) -> list[str]:
        """What to put before a command: with `online` it sees these folders and the machine's network."""
        return self._enter if online else [*self._enter, "--net"]

    def program(self, path: str, script: Path) -> Path:
        """`script`, written so that it runs the program at `path` in here."""
        script.write_text(
            f'#!/bin/sh\nexec {shlex.join(self.prefix(online=False))} {shlex.quote(path)} "$@"\n'
        )
        script.chmod(0o755)
        return script

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()
