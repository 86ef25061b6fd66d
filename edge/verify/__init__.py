"""`edgekit verify`: does an app keep its promises while everything around it fails?

scenario       what users do; subclass `Scenario` to say it for your app, and what must be true afterwards
user           one visit: pages, forms, keys, retries (`answers`, `pages` are what it sees)
line, upstream what goes wrong between users and edges, and between edges and the origin
faults         the kinds of failure, drawn from a seed
relay, proxy   what makes them happen; `http1` is what passes through
fleet, skewed  the real processes, killed and started again, with wrong clocks
history, judge what happened, and whether it may have
run            all of it together
"""

from .answers import Answer, Page
from .pages import Form
from .scenario import Records, Scenario, Stored
from .user import User

__all__ = ["Answer", "Form", "Page", "Records", "Scenario", "Stored", "User"]
