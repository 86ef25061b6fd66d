"""What handlers make of clients' keys, on a native edge and on one in Pyodide: case T1."""

from __future__ import annotations

import base64
import json

KEY = {"Idempotency-Key": "k" * 20}


def claim(person):
    """What the outbox of a guest can say about who that was."""
    payload = person.cookies["edgekit-view"].split(".")[1]
    view = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {"Edgekit-Author": f"{view['sid']}.{view['frm']}"}


def test_no_two_people_get_the_same_of_one_key(cluster, program, release):
    made = []
    for edge in (cluster.edges[0], cluster.start_node(release), cluster.edges[1]):
        stranger = program()
        made.append(stranger.send(f"{edge}/charge", KEY).json())  # nobody yet
        stranger.post(f"{edge}/count")
        made.append(stranger.send(f"{edge}/charge", KEY).json())  # a guest
    for member in ("key", "order"):
        assert len({answer[member] for answer in made}) == 6


def test_one_person_gets_the_same_wherever_the_request_arrives(cluster, program, release):
    edges = [cluster.edges[0], cluster.start_node(release)]
    made = []
    for user in ("ada", None):
        person = program()
        person.post(f"{edges[1]}/in", user=user) if user else person.post(f"{edges[1]}/count")
        first, again = (person.send(f"{edge}/charge", KEY).json() for edge in edges)
        assert first == again
        made.append(first)
    heir, forged = program(), {"Edgekit-Author": f"{claim(person)['Edgekit-Author'][:-1]}!"}
    heir.post(f"{edges[0]}/count")
    for edge in edges:
        assert heir.send(f"{edge}/charge", KEY | claim(person)).json() == made[1]
        assert heir.send(f"{edge}/charge", KEY | forged).json() not in made
