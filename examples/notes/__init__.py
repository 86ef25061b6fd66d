"""A list of notes on edgekit and FastAPI."""
