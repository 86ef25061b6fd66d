from litestar import Litestar, MediaType, get

from edge import Stateless


@get("/", media_type=MediaType.HTML)
async def index(tea: str = "green") -> str:
    return f"<!doctype html><title>Litestar</title><h1>{tea}</h1>"


# Its own logging listens to a queue in a thread.
app = Stateless(Litestar([index], logging_config=None), anywhere=["/"])
