"""What the READMEs of strangers begin with: the first example, copied (case N1)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx2

README = Path(__file__).resolve().parents[2] / "README.md"
EDGEKIT = Path(sys.executable).with_name("edgekit")


def first_python(text: str) -> str:
    block = re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    return block[1]


def test_the_readmes_app_works_in_an_empty_folder(tmp_path):
    readme = README.read_text("utf-8")
    (tmp_path / "app.py").write_text(first_python(readme))
    assert "`edgekit serve app:app`" in readme
    command = [str(EDGEKIT), "serve", "app:app", "--port", "0"]
    with (tmp_path.parent / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        ready = process.stdout.readline().split()
        assert ready[:1] == ["ready"], (tmp_path.parent / "serve.log").read_text()
        with httpx2.Client(base_url=ready[1], follow_redirects=True, timeout=60) as client:
            page = client.get("/")
            assert (page.status_code, "0 in your cart" in page.text) == (200, True), page.text
            key = re.search(r'name="_key" value="([^"]+)"', page.text)
            assert key is not None
            page = client.post("/", data={"_key": key[1]}, headers={"sec-fetch-site": "same-origin"})
            assert (page.status_code, "1 in your cart" in page.text) == (200, True), page.text
            assert client.get("/_edge/manifest.json").json()["app"] == "app:app"
    finally:
        process.terminate()
        process.communicate(timeout=60)
