"""Which of two media types a client would rather have (RFC 9110 section 12.5.1). Pure."""

from __future__ import annotations


def prefers_json(accept: str) -> bool:
    """Whether the `Accept` field value rates application/json above text/html.

    A tie goes to the page, so that `*/*` and an absent field (the empty string) get HTML.
    """
    ranges = [_parse(part) for part in accept.lower().split(",") if part.strip()]
    return _quality("application/json", ranges) > _quality("text/html", ranges)


def _parse(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_range, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """The weight of the most specific range that matches; 0 if none does."""
    kind = media_type.partition("/")[0]
    for candidate in (media_type, f"{kind}/*", "*/*"):
        weights = [weight for media_range, weight in ranges if media_range == candidate]
        if weights:
            return max(weights)
    return 0.0
