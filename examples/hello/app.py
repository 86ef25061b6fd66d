from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from edge import Stateless, context


async def show(request):
    ctx = context(request)
    return HTMLResponse(
        f"<h1>Sencha</h1><p>{ctx.state.get('cups', 0)} in your cart</p>"
        f"<form method=post>{ctx.form_key()}<button>Add one</button></form>"
    )


async def add(request):
    ctx = context(request)
    ctx.state["cups"] = ctx.state.get("cups", 0) + 1
    return RedirectResponse("/", status_code=303)


app = Stateless(
    Starlette(routes=[Route("/", show), Route("/", add, methods=["POST"])]),
    anywhere=["/"],
)
