"""Arguments of the commands that several of them share."""

from __future__ import annotations

import pytest

from edge.cli import main


@pytest.mark.parametrize("verb", ["serve", "edge"])
@pytest.mark.parametrize("port", ["65536", "-1"])
def test_a_port_that_cannot_be_is_one_sentence(
    verb: str, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "app:app", f"--port={port}"])
    assert ended.value.code == 2
    assert "a port is a number up to 65535, 0 picks a free one" in capsys.readouterr().err
