from bottle import Bottle, request, template

from edge import Stateless
from edge.wsgi import WSGI

guest = Bottle()


@guest.get("/")
def index():
    return template(
        "<!doctype html><title>Bottle</title><h1>{{tea}}</h1>", tea=request.query.get("tea", "green")
    )


app = Stateless(WSGI(guest), anywhere=["/"])
