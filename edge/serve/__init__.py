"""`edgekit serve`: origin, native edge and browser release from one command, live on source changes.

run            the whole thing; blocks until SIGINT or SIGTERM
supervisor     which processes run, and what a change of the sources means for them
plan           what was asked for, and the commands that come of it
watch          changes of the sources
failures       what is broken, told to browsers
processes      one process that is kept running; a change-over without a refused connection
worker         the program that such an edge process runs
"""

from .supervisor import run

__all__ = ["run"]
