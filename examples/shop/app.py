"""The shop's routes, and where each of them may be answered."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from edge import Stateless

from . import accounts, cart, orders, products
from .answers import on_http_exception

HERE = Path(__file__).parent

starlette = Starlette(
    routes=[
        Route("/", products.index),
        Route("/products/{sku}", products.show),
        Route("/cart", cart.show),
        Route("/cart", cart.change, methods=["POST"]),
        Route("/orders", orders.index),
        Route("/orders", orders.place, methods=["POST"]),
        Route("/orders/{id}", orders.show),
        Route("/account", accounts.show),
        Route("/account", accounts.enter, methods=["POST"]),
        Route("/account/leave", accounts.leave, methods=["POST"]),
    ],
    exception_handlers={HTTPException: on_http_exception},
)
app = Stateless(
    starlette,
    anywhere=["/", "/products/{sku}", "/cart", "/orders", "/orders/{id}"],
    shared=["stock", "accounts"],
    readable=["orders", "stock"],
    optimistic=["/cart"],
    static={"/static": HERE / "static"},
)
