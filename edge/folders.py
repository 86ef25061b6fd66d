"""Folders that frameworks look for beside an app, by the names that their tutorials give them."""

BESIDE = ("static", "templates")
