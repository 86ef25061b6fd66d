"""A list of notes, as a page and as a JSON API: FastAPI and pydantic, whose core is a native module."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from edge import Context, Stateless, context

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Notes</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"></head><body><main><h1>Notes</h1><ol>{notes}</ol>
<form method="post" action="/">{key}<label>Note <input name="text" required maxlength="200"></label>
<button>Add</button></form></main></body></html>"""

api = FastAPI(title="Notes")


class Note(BaseModel):
    text: str = Field(min_length=1, max_length=200)
    stars: int = Field(default=0, ge=0, le=5)


async def of_request(request: Request) -> Context:
    return context(request)


Ctx = Annotated[Context, Depends(of_request)]


def notes_of(ctx: Context) -> list[Note]:
    return [Note.model_validate(note) for note in ctx.state.get("notes", [])]


def append(ctx: Context, note: Note) -> None:
    ctx.state["notes"] = [*ctx.state.get("notes", []), note.model_dump()]


@api.get("/", response_class=HTMLResponse)
async def page(ctx: Ctx) -> str:
    notes = "".join(f"<li>{escape(note.text)}</li>" for note in notes_of(ctx))
    return PAGE.format(notes=notes, key=ctx.form_key())


@api.post("/")
async def add_by_form(text: Annotated[str, Form(min_length=1, max_length=200)], ctx: Ctx) -> RedirectResponse:
    append(ctx, Note(text=text))
    return RedirectResponse("/", 303)


@api.get("/notes")
async def index(ctx: Ctx) -> list[Note]:
    return notes_of(ctx)


@api.post("/notes", status_code=201)
async def add(note: Note, ctx: Ctx) -> Note:
    append(ctx, note)
    return note


@api.get("/notes/{number}")
def read(number: int, ctx: Ctx) -> Note:
    notes = notes_of(ctx)
    if not 0 <= number < len(notes):
        raise HTTPException(404, "there is no such note")
    return notes[number]


ANYWHERE = ["/", "/notes", "/notes/{number}", "/openapi.json"]
app = Stateless(api, anywhere=ANYWHERE, optimistic=["/", "/notes"])
