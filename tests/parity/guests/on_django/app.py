import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

from edge import Stateless
from edge.wsgi import WSGI

settings.configure(
    ALLOWED_HOSTS=["*"],  # the kit has looked at the Host already
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(16).hex(),
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)


def index(request):
    page = engines["django"].from_string("<!doctype html><title>Django</title><h1>{{ tea }}</h1>")
    return HttpResponse(page.render({"tea": request.GET.get("tea", "green")}))


urlpatterns = [path("", index)]
# Not get_asgi_application(): that copies all headers and cookies for each request, and needs threads.
app = Stateless(WSGI(get_wsgi_application()), anywhere=["/"])
