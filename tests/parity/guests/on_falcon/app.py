import falcon.asgi

from edge import Stateless


class Index:
    async def on_get(self, request, response):
        response.content_type = falcon.MEDIA_HTML
        response.text = (
            f"<!doctype html><title>Falcon</title><h1>{request.get_param('tea', default='green')}</h1>"
        )


guest = falcon.asgi.App()
guest.add_route("/", Index())
app = Stateless(guest, anywhere=["/"])
