"""Sessions begin, go on and end; no browser is ever taken for a thief, and no thief stays unseen."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import NamedTuple

import apsw
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.errors import Problem
from edge.session_wire import split_refresh
from edge.tokens import REFRESH_LIFE
from edge.types import Principal
from origin import revocations, sessions
from origin.rotation import CHILDREN, GRACE
from origin.schema import migrate
from origin.sessions import SESSIONS_LIMIT, STEPS, WHOLE_LIFE

NOW = 1_800_000_000
SID = "S" * 22
ANN = Principal("ann", SID)
KEY, OTHER_KEY = "k" * 43, "o" * 43
LATENCY = 30  # seconds at most from a browser to the origin, and back
RENEWAL = 300  # seconds after which an edge renews the session of a request
DAY = 86_400


class Origin:
    """Sessions in memory, with secrets that count."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")
        migrate(self.connection)
        self._serial = itertools.count(1)

    def begin(self, principal=ANN, jkt=None, now=NOW, claims=None):
        secret = self.secret()
        self.epoch = sessions.begin(self.connection, principal, claims or {}, jkt, secret, now)
        return f"{principal.sid}.{secret}"

    def renew(self, token, now, jkt=None):
        """The next token, or None if the session has ended."""
        with self.connection:
            sid, secret = split_refresh(token)
            found = sessions.renew(self.connection, sid, secret, jkt, self.secret(), now)
        return None if found is None else found.refresh

    def secret(self):
        return f"{next(self._serial):043}"

    def count(self, table):
        return self.connection.execute(f"SELECT count(*) FROM {table}").get

    @property
    def is_revoked(self):
        return revocations.is_revoked(self.connection, SID)


@pytest.fixture
def origin():
    made = Origin()
    with closing(made.connection):
        yield made


def test_a_session_goes_on_with_what_was_said_at_its_beginning(origin):
    token = origin.begin(claims={"role": "admin"}, jkt=KEY)
    assert origin.epoch == 1
    sid, secret = split_refresh(token)
    renewed = sessions.renew(origin.connection, sid, secret, KEY, "f" * 43, NOW + 300)
    assert renewed == (SID, "ann", {"role": "admin"}, origin.epoch, KEY, NOW, f"{SID}.{'f' * 43}", False)


def test_secrets_are_not_in_the_database(origin):
    token = origin.renew(origin.begin(), NOW + 300)
    dump = "".join(
        str(row)
        for (table,) in origin.connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for row in origin.connection.execute(f"SELECT * FROM {table}")
    )
    assert SID in dump
    assert split_refresh(token)[1] not in dump


@pytest.mark.parametrize(
    "token", [f"{SID}.{'x' * 43}", f"{'T' * 22}.{'0' * 42}1"], ids=["another secret", "another session"]
)
def test_what_is_unknown_is_refused_and_ends_nothing(origin, token):
    kept = origin.begin()
    assert origin.renew(token, NOW) is None
    assert origin.renew(kept, NOW)


def test_idle_sessions_end_after_two_weeks_and_all_after_ninety_days(origin):
    token = origin.begin()
    assert origin.renew(token, NOW + REFRESH_LIFE) is None
    now, token = NOW, origin.begin(Principal("ann", "T" * 22))
    while now + REFRESH_LIFE - 1 < NOW + WHOLE_LIFE:
        now += REFRESH_LIFE - 1
        token = origin.renew(token, now)
        assert token
    assert origin.renew(token, NOW + WHOLE_LIFE) is None
    assert origin.renew(token, NOW + WHOLE_LIFE - 1)


def test_a_sign_in_that_is_sent_twice_is_one_session(origin):
    first, second = origin.begin(), origin.begin()
    assert origin.count("session") == 1
    assert origin.renew(first, NOW + 1)
    assert origin.renew(second, NOW + 2)


def test_a_session_belongs_to_one_user(origin):
    origin.begin()
    with pytest.raises(Problem, match="unauthorized"):
        origin.begin(Principal("bob", SID))


def test_an_ended_session_does_not_begin_again(origin):
    origin.begin()
    revocations.end(origin.connection, ANN, False, NOW)
    with pytest.raises(Problem, match="session-ended"):
        origin.begin()


def test_reuse_ends_the_session_for_everybody(origin):
    stolen = origin.begin()
    mine = origin.renew(stolen, NOW + 300)
    mine = origin.renew(mine, NOW + 600)
    assert origin.renew(stolen, NOW + 600 + GRACE) is None
    assert origin.is_revoked
    assert origin.renew(mine, NOW + 700) is None


def test_a_bound_session_goes_on_with_its_key_only(origin):
    token = origin.begin(jkt=KEY)
    for jkt in (None, OTHER_KEY):
        with pytest.raises(Problem, match="device-proof"):
            origin.renew(token, NOW + 300, jkt)
    token = origin.renew(token, NOW + 300, KEY)
    with pytest.raises(Problem, match="device-proof"):
        origin.renew(token, NOW + 600, OTHER_KEY)
    assert origin.renew(token, NOW + 600, KEY)


def test_a_late_request_with_an_older_token_sets_nothing_back(origin):
    older = origin.begin()
    newer = origin.renew(older, NOW + 300)
    newest = origin.renew(newer, NOW + 600)
    assert origin.renew(older, NOW + 600 + GRACE - 1)
    assert origin.renew(newest, NOW + 900)
    assert origin.renew(newer, NOW + 900 + GRACE) is None


def test_the_first_key_binds_a_session_and_a_second_one_ends_it(origin):
    token = origin.begin()
    bound = origin.renew(token, NOW + 300, KEY)
    with pytest.raises(Problem, match="device-proof"):
        origin.renew(token, NOW + 300 + GRACE - 1)  # under way when that happened
    with pytest.raises(Problem, match="device-proof"):
        origin.renew(bound, NOW + 600)
    bound = origin.renew(bound, NOW + 600, KEY)
    assert origin.renew(bound, NOW + 900, OTHER_KEY) is None
    assert origin.is_revoked


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("is_ahead", [False, True])
def test_who_binds_a_stolen_session_loses_it_once_its_user_comes_back(origin, steps, is_ahead):
    """case T3: also to a user who has no key and holds a token that nobody has used yet."""
    stolen = mine = origin.begin()
    for number in range(steps):
        stolen = mine = origin.renew(mine, NOW + 300 * number)
    now = NOW + 300 * steps
    if is_ahead:
        mine = origin.renew(mine, now)
    bound = origin.renew(stolen, now + 1, KEY)
    for number in range(2, 2 * GRACE, 10):  # the thief renews all the time
        bound = origin.renew(bound, now + number, KEY)
    assert origin.renew(mine, now + 2 * GRACE) is None
    assert origin.is_revoked
    assert origin.renew(bound, now + 2 * GRACE, KEY) is None


def test_a_session_that_was_bound_late_says_so(origin):
    def late(token, jkt):
        sid, secret = split_refresh(token)
        return sessions.renew(origin.connection, sid, secret, jkt, origin.secret(), NOW + 300).late

    assert not late(origin.begin(Principal("ann", "T" * 22)), None)
    assert not late(origin.begin(Principal("ann", "U" * 22), jkt=KEY), KEY)
    token = origin.begin()
    assert late(token, KEY)
    assert late(origin.renew(token, NOW + 301, KEY), KEY)


@pytest.mark.parametrize("apart", [1, 30, 50, GRACE - 1])
@pytest.mark.parametrize("pause", [1, 50, RENEWAL, 3_600])
def test_two_holders_are_noticed_however_close_they_follow_each_other(origin, apart, pause):
    """case T11: so far apart each is within the other's grace."""
    holders, now = [origin.begin()] * 2, NOW
    for number in range(20):
        now += apart if number % 2 else pause
        holders[number % 2] = origin.renew(holders[number % 2], now)
        if holders[number % 2] is None:
            break
    assert origin.is_revoked


def test_a_client_that_keeps_nothing_has_to_sign_in_again(origin):
    token = origin.begin()
    assert all(origin.renew(token, NOW + number) for number in range(CHILDREN))
    assert origin.renew(token, NOW + CHILDREN) is None


def test_one_session_too_many_ends_the_one_unused_for_longest(origin):
    tokens = [
        origin.begin(Principal("ann", f"{number:022}"), now=NOW + number) for number in range(SESSIONS_LIMIT)
    ]
    assert origin.renew(tokens[0], NOW + 10_000)
    origin.begin(now=NOW + 10_001)
    assert origin.renew(tokens[1], NOW + 10_002) is None
    assert revocations.is_revoked(origin.connection, f"{1:022}")
    assert origin.renew(tokens[2], NOW + 10_002)


def test_what_has_expired_is_removed_bit_by_bit(origin):
    for number in range(2 * STEPS):
        principal = Principal("ann", f"{number:022}")
        origin.begin(principal)
        revocations.end(origin.connection, principal, False, NOW)
        origin.begin(Principal("ann", f"{100 + number:022}"))
    later = NOW + 20 * DAY
    for left in (STEPS, 0):
        sessions.prune(origin.connection, later)
        assert origin.count("session") == origin.count("revoked") == left
        assert origin.count("refresh") == 2 * STEPS + left
    assert sessions.prune(origin.connection, NOW + 1) is None
    assert origin.count("refresh") == 2 * STEPS


class OnTheWay(NamedTuple):
    sent_at: int
    token: str


class HonestBrowser(RuleBasedStateMachine):
    """One browser with one cookie jar. Its requests are parallel, late, lost, and arrive in any order;
    so do the answers. As long as it is in use, it never loses its session."""

    def __init__(self) -> None:
        super().__init__()
        self.origin = Origin()
        self.now = NOW
        self.cookie, self.renewed_at = self.origin.begin(), NOW
        self.requests: list[OnTheWay] = []
        self.answers: list[OnTheWay] = []

    @precondition(lambda self: self.now - self.renewed_at > RENEWAL)
    @rule(count=st.integers(1, 4))
    def ask(self, count: int) -> None:
        self.requests += [OnTheWay(self.now, self.cookie)] * count

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def reach_the_origin(self, data: st.DataObject) -> None:
        request = self.requests.pop(data.draw(st.integers(0, len(self.requests) - 1)))
        token = self.origin.renew(request.token, self.now)
        assert token is not None, "an honest browser was signed out"
        self.answers.append(OnTheWay(self.now, token))

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        answer = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
        # A cookie jar keeps what comes last, with the time at which an edge sealed the session.
        self.cookie, self.renewed_at = answer.token, answer.sent_at

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        for way in (self.requests, self.answers):
            if way and data.draw(st.booleans()):
                way.pop(data.draw(st.integers(0, len(way) - 1)))

    @rule(seconds=st.sampled_from([1, 5, 20, 200, 301, 3_600, 13 * DAY]))
    def wait(self, seconds: int) -> None:
        if self.now + seconds < min(self.renewed_at + REFRESH_LIFE, NOW + WHOLE_LIFE):
            self.now += seconds
        for way in (self.requests, self.answers):  # what would take longer is lost
            way[:] = [each for each in way if self.now - each.sent_at < LATENCY]

    @invariant()
    def the_session_goes_on(self) -> None:
        assert not self.origin.is_revoked

    def teardown(self) -> None:
        self.origin.connection.close()


class Theft(RuleBasedStateMachine):
    """Somebody copies a browser's cookie, and from then on both renew in turns of their own.

    As soon as each has renewed twice, apart from one another by more than `GRACE`, the session is over.
    """

    def __init__(self) -> None:
        super().__init__()
        self.origin = Origin()
        self.now = NOW
        self.seen = [self.origin.begin()]
        self.cookies: dict[str, str | None] = {"user": self.seen[0]}
        self.renewals = {"user": 0, "thief": 0}

    @rule(lost=st.booleans(), seconds=st.integers(GRACE, 400))
    def the_user_renews(self, lost: bool, seconds: int) -> None:
        self._renew("user", seconds, lost)

    @precondition(lambda self: "thief" not in self.cookies)
    @rule(data=st.data())
    def steal(self, data: st.DataObject) -> None:
        """Any token that the browser ever had: from a log, a backup, the jar itself."""
        self.cookies["thief"] = data.draw(st.sampled_from(self.seen))
        self.renewals = {"user": 0, "thief": 0}

    @precondition(lambda self: "thief" in self.cookies)
    @rule(lost=st.booleans(), seconds=st.integers(GRACE, 400))
    def the_thief_renews(self, lost: bool, seconds: int) -> None:
        self._renew("thief", seconds, lost)

    def _renew(self, who: str, seconds: int, lost: bool) -> None:
        self.now += seconds
        token = self.origin.renew(self.cookies[who], self.now)
        if token is None:
            assert "thief" in self.cookies, "signed out without a theft"
            return
        if not lost:
            self.cookies[who] = token
            self.renewals[who] += 1
            if who == "user":
                self.seen.append(token)

    @invariant()
    def nobody_profits_from_a_stolen_token_for_long(self) -> None:
        if min(self.renewals.values()) >= 2:
            assert self.origin.is_revoked

    def teardown(self) -> None:
        self.origin.connection.close()


for machine in (HonestBrowser, Theft):
    machine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestHonestBrowser = HonestBrowser.TestCase
TestTheft = Theft.TestCase
