"""The thin origin: it persists, and runs no app code."""
