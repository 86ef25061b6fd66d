"""docs/deploy.md, from an empty machine: origin, two edges, nginx with deploy/nginx.conf as it is.

Case N18. Edges are killed, added and removed under load.
EDGEKIT_SECONDS says how long, such as `EDGEKIT_SECONDS=300 python3 build.py test deploy -- -s`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..conftest import CHROMIUM_SWITCHES, chromium_path
from ..docs.reader import ROOT, Reader
from ..visit import host_of, take_over
from .namespace import Namespace

PAGE = "deploy.md"
SITE = "https://tea.example"
SECONDS = float(os.environ.get("EDGEKIT_SECONDS", "60"))
PATIENCE = 60  # seconds until a process answers
UNITS = ROOT / "deploy"
SYSTEMD = Path("etc/systemd/system")
CONFIGURATION = Path("etc/nginx/nginx.conf")
# What of the machine the page writes to.
FOLDERS = ("srv", "etc/nginx", "etc/systemd/system", "var/log/nginx", "var/lib/nginx", "run")
THIRD = "        server 127.0.0.1:8103 max_fails=0;\n"


class Machine:
    """The machine of the page, with what systemd would do: it runs the `ExecStart` of units."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        (folder / "hosts").write_text("127.0.0.1 localhost tea.example\n")
        seen = {f"/{name}": folder / name for name in FOLDERS}
        seen["/etc/hosts"] = folder / "hosts"
        self.namespace = Namespace({path: at for path, at in seen.items() if Path(path).exists()})
        self.online = Reader(folder, prefix=self.namespace.prefix(online=True))
        self.reader = Reader(folder, prefix=self.namespace.prefix(online=False))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._log = (folder / "log").open("w")

    def start(self, unit: str) -> None:
        """`systemctl start`: a unit of deploy/, with the variables of its EnvironmentFile."""
        template, _, instance = unit.partition("@")
        text = (self.folder / SYSTEMD / f"{template}{'@' if instance else ''}.service").read_text()
        command = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1].replace("%i", instance)
        file = re.search(r"^EnvironmentFile=/(.*)$", text, re.MULTILINE)
        lines = (self.folder / file[1]).read_text().splitlines() if file else ()
        variables = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        self._running[unit] = self.spawn(command.split(), **variables)

    def kill(self, unit: str) -> None:
        process = self._running.pop(unit)
        process.kill()
        process.wait()

    def stop(self, unit: str) -> None:
        process = self._running.pop(unit)
        process.terminate()
        process.wait(PATIENCE)

    def spawn(
        self, command: list[str], *, stdout: int | None = None, **variables: str
    ) -> subprocess.Popen[bytes]:
        """A process of this machine."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGEKIT_")}
        return subprocess.Popen(
            [*self.namespace.prefix(online=False), *command],
            env={**kept, **variables},
            stdout=self._log if stdout is None else stdout,
            stderr=self._log,
        )

    def start_nginx(self) -> None:
        """nginx with the configuration that the page has put in its place."""
        self._running["nginx"] = self.spawn(["nginx", "-g", "daemon off;"])
        self.until("test -s /run/nginx.pid")

    def until(self, command: str) -> None:
        """Wait until `command` succeeds."""
        latest = time.monotonic() + PATIENCE
        while True:
            try:
                self.reader.run(command)
            except AssertionError:
                assert time.monotonic() < latest, f"{command}\n{(self.folder / 'log').read_text()[-3000:]}"
                time.sleep(0.1)
            else:
                return

    def close(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(PATIENCE)
        self.namespace.close()
        self._log.close()


def health(port: int) -> str:
    return f"curl --silent --fail --header 'Host: tea.example' http://127.0.0.1:{port}/_edge/health"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A machine on which somebody has done everything on the page."""
    there = Machine(tmp_path_factory.mktemp("machine"))
    try:
        there.online.follow(PAGE, "1. Install", "2. Make keys", "3. Build what browsers run")
        there.reader.follow(PAGE, "4. Describe the processes")
        stock_up(there.folder / "srv/tea/app/shop/catalog/products.json")
        there.start("edgekit-origin")
        there.until("curl --silent --fail http://127.0.0.1:8001/health")
        for port in (8101, 8102):
            there.start(f"edgekit-edge@{port}")
            there.until(health(port))
        there.reader.follow(PAGE, "5. Start the origin and two edges", "6. Put nginx in front")
        there.start_nginx()
        there.reader.follow(PAGE, "Check")
        yield there
    finally:
        there.close()


def stock_up(catalog: Path) -> None:
    """There is enough for everybody: who is sold out of is not what is tested here."""
    teas = json.loads(catalog.read_bytes())
    catalog.write_text(json.dumps({name: {**tea, "stock": 1_000_000} for name, tea in teas.items()}))


def test_edges_are_killed_added_and_removed_under_load(machine):
    """0 failed idempotent requests, 0 lost or doubled writes, nobody signed out."""
    script = [sys.executable, str(Path(__file__).with_name("customers.py")), str(SECONDS)]
    customers = machine.spawn([*script, "/srv/tea/tls/cert.pem"], stdout=subprocess.PIPE)
    assert customers.stdout is not None
    assert customers.stdout.readline() == b"shopping\n"
    kills = changes = 0
    has_third = False
    while customers.poll() is None:
        victim = f"edgekit-edge@{8101 + kills % 2}"
        machine.kill(victim)
        kills += 1
        time.sleep(0.5)  # as long as systemd waits
        machine.start(victim)
        machine.until(health(8101 + (kills - 1) % 2))
        if kills % 3 == 0:
            change_edges(machine, add=not has_third)
            has_third = not has_third
            changes += 1
    with customers.stdout as output:
        result = json.loads(output.read())
    print(json.dumps({**result, "kills": kills, "edges added or removed": changes}))
    assert (result["failed"], result["lost"], result["doubled"]) == ([], [], [])
    assert result["told"] > 0
    assert kills >= 2
    assert changes >= 1


def change_edges(machine: Machine, *, add: bool) -> None:
    """As "Add, replace and remove an edge" says."""
    file = machine.folder / CONFIGURATION
    second = "        server 127.0.0.1:8102 max_fails=0;\n"
    if add:
        machine.start("edgekit-edge@8103")
        machine.until(health(8103))
        file.write_text(file.read_text().replace(second, second + THIRD))
    else:
        file.write_text(file.read_text().replace(THIRD, ""))
    machine.reader.run("nginx -s reload")
    if not add:
        machine.stop("edgekit-edge@8103")


@pytest.fixture
def page(machine, chromium):
    """A browser of somebody who trusts the certificate that the page makes."""
    spki = machine.reader.run(
        "openssl x509 -in /srv/tea/tls/cert.pem -noout -pubkey | openssl pkey -pubin -outform der"
        " | openssl dgst -sha256 -binary | openssl base64"
    ).strip()
    path = chromium_path() or chromium.browser_type.executable_path
    program = machine.namespace.program(path, machine.folder / "chromium")
    browser = chromium.browser_type.launch(
        executable_path=program, args=[*CHROMIUM_SWITCHES, f"--ignore-certificate-errors-spki-list={spki}"]
    )
    yield browser.new_page()
    browser.close()


def test_a_browser_joins_the_pool_and_notices_no_edge_that_dies(machine, page):
    assert host_of(take_over(page, SITE)) == "native"
    assert page.goto(f"{SITE}/products/sencha-uji").headers["edgekit-host"] == "browser"
    press(page, "Add to cart")
    for port in (8101, 8102):  # one at a time; the order is placed by the other one
        machine.kill(f"edgekit-edge@{port}")
        if port == 8101:
            press(page, "Place the order")
            assert re.fullmatch(rf"{SITE}/orders/[a-z0-9]+", page.url)
            cookies = {cookie["name"]: cookie["secure"] for cookie in page.context.cookies()}
            assert {name: secure for name, secure in cookies.items() if name.startswith("__Host-")} == cookies
            machine.start(f"edgekit-edge@{port}")
            machine.until(health(port))
    machine.kill("edgekit-edge@8101")
    assert host_of(page.goto(f"{SITE}/cart")) == "browser"
    for port in (8101, 8102):
        machine.start(f"edgekit-edge@{port}")
        machine.until(health(port))
    page.goto(f"{SITE}/orders")
    assert page.get_by_role("main").get_by_role("link").count() > 0


def press(page, button):
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def test_other_names_are_refused(machine):
    run = machine.reader.run
    plain = "curl --silent --output /dev/null --write-out '%{http_code} %{redirect_url}' http://127.0.0.1"
    assert run(f"{plain} --header 'Host: evil.example'").strip() == "421"
    assert run(f"{plain}/cart --header 'Host: tea.example'") == "308 https://tea.example/cart"
    refused = run("curl --silent --insecure https://127.0.0.1/ || echo $?")
    assert refused.strip() == "35"  # the handshake


def test_a_copy_is_restored(machine):
    machine.reader.follow(PAGE, "Back up and restore")
    copy = next((machine.folder / "srv/tea").glob("backup-*.db"))
    assert copy.stat().st_mode & 0o777 == 0o600
    machine.stop("edgekit-origin")
    data = machine.folder / "srv/tea/data"
    for name in ("origin.db", "origin.db-wal", "origin.db-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.copy(copy, data / "origin.db")
    machine.start("edgekit-origin")
    machine.until("curl --silent --fail http://127.0.0.1:8001/health")
    dumped = machine.reader.run("/srv/tea/.venv/bin/python -P -m origin.dump --data /srv/tea/data")
    rows = [json.loads(line) for line in dumped.splitlines()]
    assert rows[-1] == {"kind": "database", "integrity": "ok"}
    assert any(row.get("collection") == "orders" for row in rows)
