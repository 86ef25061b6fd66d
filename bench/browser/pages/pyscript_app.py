"""What PyScript runs; its configuration has put the app and its packages beside it."""

import asgi
from js import BroadcastChannel
from pyodide.ffi import to_js
from pyscript import config

app = asgi.start(config["spec"])
status, _, body = await asgi.answer(app, "/")  # noqa: F704, PLE1142
BroadcastChannel.new("bench").postMessage(to_js([status, body.decode()]))
