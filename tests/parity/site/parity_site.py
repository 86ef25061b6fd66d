"""The examples under the kit: each request may be answered in the browser, writes are foretold there."""

from switch import Switch

from edge import Stateless

EVERYTHING = ["/{path:path}"]

app = Stateless(Switch(), anywhere=EVERYTHING, optimistic=EVERYTHING)
