"""uvicorn's HTTP protocol with one difference: what cannot be parsed is refused with a problem document."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..errors import Problem
from ..problem_response import render


class ProblemProtocol(HttpToolsProtocol):
    """Refuses requests that never reach the app, such as an unknown method, in the kit's own words."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words are not for clients
        status, headers, body = render(Problem("malformed-request"), page=False)
        lines = [f"HTTP/1.1 {status} Bad Request".encode()]
        lines += [b": ".join(pair) for pair in (*headers, (b"connection", b"close"))]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()
