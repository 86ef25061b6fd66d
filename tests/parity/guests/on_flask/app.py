from flask import Flask, render_template_string, request

from edge import Stateless
from edge.wsgi import WSGI

guest = Flask(__name__)


@guest.get("/")
def index():
    return render_template_string(
        "<!doctype html><title>Flask</title><h1>{{ tea }}</h1>", tea=request.args.get("tea", "green")
    )


app = Stateless(WSGI(guest), anywhere=["/"])
