"""What edge and origin say to each other about sessions: pure values and their JSON form.

POST /sessions          {"claims", "jkt"}     -> {"epoch", "refresh"}
POST /sessions/refresh  {"refresh", "jkt"}    -> `Renewed`, or 401 session-ended
POST /sessions/end      {"all"}               -> {}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import Problem
from .types import JSON
from .wire import encode_json

CLAIMS_LIMIT = 2_048  # bytes of what the app says about a user, as JSON

_SID = re.compile(r"[A-Za-z0-9_\-]{22}")
_DIGEST = re.compile(r"[A-Za-z0-9_\-]{43}")  # 256 bits: a thumbprint, or the secret of a refresh token


class Renewed(NamedTuple):
    """A session that goes on: what the edge seals anew, and the refresh token for the next time.

    `late`: it was bound to its device by a renewal, not when the user signed in.
    """

    sid: str
    subject: str
    claims: Mapping[str, JSON]
    epoch: int
    jkt: str | None
    signed_in_at: int
    refresh: str
    late: bool


def is_sid(text: str) -> bool:
    """Whether `text` can name a session: 128 bits in base64url."""
    return _SID.fullmatch(text) is not None


def join_refresh(sid: str, secret: str) -> str:
    """The refresh token of a session: `<sid>.<secret>`, opaque to everybody but the origin."""
    return f"{sid}.{secret}"


def split_refresh(token: str) -> tuple[str, str]:
    """The session and the secret; raises `Problem("session-ended")` for what never was a token."""
    sid, _, secret = token.partition(".")
    if not is_sid(sid) or _DIGEST.fullmatch(secret) is None:
        raise Problem("session-ended")
    return sid, secret


def encode_session(claims: Mapping[str, JSON], jkt: str | None) -> bytes:
    """The body of `POST /sessions`."""
    return encode_json({"claims": dict(claims), "jkt": jkt})


def decode_session(body: bytes) -> tuple[dict[str, JSON], str | None]:
    """Parse the body of `POST /sessions`; raises `Problem("malformed-json")`."""
    document = _object(body)
    claims = document.get("claims")
    if not isinstance(claims, dict) or len(encode_json(claims)) > CLAIMS_LIMIT:
        raise Problem("malformed-json", f"claims is an object of at most {CLAIMS_LIMIT} bytes")
    return claims, _jkt(document)


def encode_refresh(token: str, jkt: str | None) -> bytes:
    """The body of `POST /sessions/refresh`."""
    return encode_json({"refresh": token, "jkt": jkt})


def decode_refresh(body: bytes) -> tuple[str, str | None]:
    """Parse the body of `POST /sessions/refresh`; raises `Problem("malformed-json")`."""
    document = _object(body)
    token = document.get("refresh")
    if not isinstance(token, str):
        raise Problem("malformed-json", "refresh is a string")
    return token, _jkt(document)


def encode_end(everywhere: bool) -> bytes:
    """The body of `POST /sessions/end`."""
    return encode_json({"all": everywhere})


def decode_end(body: bytes) -> bool:
    """Parse the body of `POST /sessions/end`; raises `Problem("malformed-json")`."""
    everywhere = _object(body).get("all")
    if not isinstance(everywhere, bool):
        raise Problem("malformed-json", "all is true or false")
    return everywhere


def encode_begun(epoch: int, refresh: str) -> bytes:
    """The answer to `POST /sessions`: the user's epoch and the session's first refresh token."""
    return encode_json({"epoch": epoch, "refresh": refresh})


def decode_begun(body: bytes) -> tuple[int, str]:
    """Parse the answer to `POST /sessions`; raises `Problem("origin-invalid")`."""
    document = _answer(body, epoch=int, refresh=str)
    return document["epoch"], document["refresh"]


def encode_renewed(renewed: Renewed) -> bytes:
    """The answer to `POST /sessions/refresh`."""
    return encode_json(renewed._asdict())


def decode_renewed(body: bytes) -> Renewed:
    """Parse the answer to `POST /sessions/refresh`; raises `Problem("origin-invalid")`."""
    text = {"sid": str, "subject": str, "refresh": str}
    document = _answer(body, **text, claims=dict, epoch=int, jkt=str | None, signed_in_at=int, late=bool)
    return Renewed(*(document[name] for name in Renewed._fields))


def _answer(body: bytes, **members: Any) -> dict[str, Any]:
    try:
        document = json.loads(body)
        wrong = [name for name, kind in members.items() if not isinstance(document[name], kind)]
    except (ValueError, TypeError, KeyError) as error:
        raise Problem(
            "origin-invalid", "the answer about a session could not be read", for_developers=True
        ) from error
    if wrong:
        raise Problem(
            "origin-invalid", f"the answer about a session has another {wrong[0]}", for_developers=True
        )
    return dict(document)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem("malformed-json") from error
    if not isinstance(document, dict):
        raise Problem("malformed-json", "the body is an object")
    return document


def _jkt(document: dict[str, Any]) -> str | None:
    jkt = document.get("jkt")
    if jkt is not None and not (isinstance(jkt, str) and _DIGEST.fullmatch(jkt)):
        raise Problem("malformed-json", "jkt is a thumbprint (RFC 7638) or null")
    return jkt
