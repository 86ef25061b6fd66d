"""For apps that look at cookies for every request, but whose pages are the same without them."""


class Cookieless:
    """An ASGI app that gets no cookies and sets none, on any host.

    In the browser nobody can look at a request's cookies, so whoever does is answered by an edge. It gets the
    headers that are named here and no others: to ask a header whether it is a cookie would be to look.
    """

    HEADERS = frozenset({b"host", b"accept", b"accept-language", b"content-type", b"content-length"})

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def forgetful(message):
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"set-cookie"]
                message = {**message, "headers": kept}
            await send(message)

        headers = [pair for pair in scope["headers"] if pair[0] in self.HEADERS]
        # Without the kit's own member, what Starlette makes of these headers is all that there is to know.
        inner = {name: value for name, value in scope.items() if name != "edgekit"}
        await self._app({**inner, "headers": headers, "client": None}, receive, forgetful)
