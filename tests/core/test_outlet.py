"""What is committed together."""

from __future__ import annotations

import pytest

from peertalk.core.effects import Commit
from peertalk.core.outlet import Now, Outlet
from peertalk.core.stored import DropOffer
from peertalk.errors import RemoteError
from tests.core.desk import of

NOW = Now(0.0, 0)
FIRST, SECOND, THIRD = (DropOffer(bytes([number]) * 32) for number in range(3))


def test_what_is_committed_together_is_one_commit_and_all_is_told_after_it() -> None:
    outlet, told = Outlet(), list[str]()
    with outlet.together():
        outlet.commit((FIRST,), lambda _: told.append("first"))
        with outlet.together():
            outlet.commit((SECOND,), lambda _: told.append("second"))
        outlet.commit((THIRD,))
        assert not of(Commit, outlet.gathered)
    (commit,) = of(Commit, outlet.drain())
    assert commit.ops == (FIRST, SECOND, THIRD)
    assert told == []
    outlet.committed(commit.token, NOW)
    assert told == ["first", "second"]


def test_what_follows_from_a_commit_follows_although_something_else_that_does_fails() -> None:
    """Else who waits for the rest, as for room in memory, waits for ever."""
    outlet, told = Outlet(), list[str]()

    def fail(_: Now) -> None:
        raise KeyError

    with outlet.together():
        for then in (lambda _: told.append("first"), fail, lambda _: told.append("last")):
            outlet.commit((FIRST,), then)
    (commit,) = of(Commit, outlet.drain())
    with pytest.raises(KeyError):
        outlet.committed(commit.token, NOW)
    assert told == ["first", "last"]


def test_where_nothing_is_committed_there_is_no_commit() -> None:
    outlet = Outlet()
    with outlet.together():
        pass
    assert outlet.drain() == []


def test_what_came_before_something_that_a_peer_did_wrong_counts() -> None:
    outlet = Outlet()
    with pytest.raises(RemoteError), outlet.together():
        outlet.commit((FIRST,))
        raise RemoteError("malformed")
    assert [commit.ops for commit in of(Commit, outlet.drain())] == [(FIRST,)]


def test_after_a_mistake_of_ours_nothing_of_it_is_committed_and_the_next_is() -> None:
    outlet = Outlet()
    with pytest.raises(KeyError), outlet.together():
        outlet.commit((FIRST,))
        raise KeyError
    outlet.commit((SECOND,))
    assert [commit.ops for commit in of(Commit, outlet.drain())] == [(SECOND,)]
