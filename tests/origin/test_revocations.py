"""Sessions that ended: what edges are told, and for how long."""

from __future__ import annotations

from contextlib import closing

import apsw
import pytest

from edge.errors import Problem
from edge.tokens import GUEST_LIFE, REVOCATIONS_LIMIT, SESSION_LIFE, mint_revocations
from edge.types import Principal
from edge.wire import ASSERTION_LIFE
from origin import revocations, sessions
from origin.revocations import LISTED_LIMIT, SLACK
from origin.schema import migrate

NOW = 1_800_000_000
ANN = Principal("ann", "A" * 22, 1)
TABLET = Principal("ann", "T" * 22, 1)
BOB = Principal("bob", "B" * 22, 1)
GUEST = Principal("guest", "G" * 22)


@pytest.fixture
def connection():
    with closing(apsw.Connection(":memory:")) as connection:
        migrate(connection)
        for number, principal in enumerate((ANN, TABLET, BOB)):
            sessions.begin(connection, principal, {}, None, f"{number:043}", NOW)
        yield connection


def goes_on(connection, principal):
    try:
        revocations.check(connection, principal)
    except Problem as problem:
        return problem.code != "session-ended"
    return True


def test_one_session_ends_and_the_others_go_on(connection):
    revocations.end(connection, ANN, False, NOW)
    assert not goes_on(connection, ANN)
    assert all(goes_on(connection, other) for other in (TABLET, BOB, GUEST))
    assert revocations.ended(connection, NOW) == (0, (ANN.sid,))
    assert connection.execute("SELECT sid FROM session ORDER BY sid").get == [BOB.sid, TABLET.sid]


def test_everywhere_ends_all_of_one_user_also_those_nobody_remembers(connection):
    revocations.end(connection, ANN, True, NOW)
    assert not any(goes_on(connection, Principal("ann", sid, 1)) for sid in (ANN.sid, TABLET.sid, "X" * 22))
    assert goes_on(connection, BOB)
    assert set(revocations.ended(connection, NOW).sids) == {ANN.sid, TABLET.sid}
    assert sessions.begin(connection, Principal("ann", "N" * 22), {}, None, "n" * 43, NOW) == 2
    assert goes_on(connection, Principal("ann", "N" * 22, 2))


def test_ending_an_ended_session_changes_nothing(connection):
    """Above all its copy cannot sign the user out everywhere."""
    revocations.end(connection, ANN, False, NOW)
    revocations.end(connection, ANN, True, NOW + 1)
    assert goes_on(connection, TABLET)


def test_a_sign_in_may_write_before_its_session_begins(connection):
    revocations.end(connection, ANN, True, NOW)
    assert goes_on(connection, Principal("ann"))


@pytest.mark.parametrize(("principal", "life"), [(ANN, SESSION_LIFE), (GUEST, GUEST_LIFE)])
def test_entries_stay_as_long_as_a_token_can_name_them(connection, principal, life):
    revocations.end(connection, principal, False, NOW)
    last = NOW + life + ASSERTION_LIFE + SLACK - 1
    assert revocations.ended(connection, last).sids == (principal.sid,)
    assert revocations.ended(connection, last + 1).sids == ()


def test_the_floor_ends_what_began_before_it(connection):
    later = Principal("ann", "L" * 22, 1)
    sessions.begin(connection, later, {}, None, "l" * 43, NOW + 10)
    revocations.raise_floor(connection, NOW + 10, NOW + 20)
    assert not any(goes_on(connection, principal) for principal in (ANN, TABLET, BOB))
    assert goes_on(connection, later)
    assert revocations.ended(connection, NOW + 20).floor == NOW + 10
    revocations.raise_floor(connection, NOW, NOW + 30)
    assert revocations.ended(connection, NOW + 30).floor == NOW + 10


@pytest.mark.anyio
async def test_what_the_list_has_no_room_for_raises_the_floor(connection, own_keys):
    rows = ((f"{number:022}", NOW + number, NOW + 10**6) for number in range(LISTED_LIMIT))
    connection.executemany("INSERT INTO revoked VALUES (?, ?, ?)", rows)
    floor, sids = revocations.ended(connection, NOW)
    assert (floor, len(sids)) == (0, LISTED_LIMIT)
    assert len(await mint_revocations(own_keys, floor, sids, NOW)) <= REVOCATIONS_LIMIT
    for number, sid in enumerate(("Y" * 22, "Z" * 22)):
        connection.execute("INSERT INTO revoked VALUES (?, ?, ?)", (sid, NOW + 10**5, NOW + 10**6))
        floor, sids = revocations.ended(connection, NOW)
        assert (floor, len(sids)) == (NOW + number + 1, LISTED_LIMIT)
        assert sid in sids
        assert f"{number:022}" not in sids
