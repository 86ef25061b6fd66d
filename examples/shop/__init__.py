"""A tea shop on edgekit: an ordinary Starlette app that keeps nothing between two requests."""
