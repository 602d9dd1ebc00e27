"""Answers as they come: several pages in one message, checked here or elsewhere, durable together, from several members."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from peertalk.core import asking, intake, rates, serving, wire
from peertalk.core.checks import Checked, CheckedPages, check_page, check_pages, slices
from peertalk.core.effects import Arrived, Commit, Send
from peertalk.core.entry import decode_header, hash32, verify_page
from peertalk.core.intake import LIVE_PATIENCE
from peertalk.core.outlet import Now
from peertalk.core.stored import PutPage
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, Author, tip
from tests.core.desk import Desk, of, sent
from tests.core.test_identity import ED25519_OF_ORDER_8


def together(*pages: wire.Page) -> wire.Pages:
    return wire.Pages(ROOM.id, tuple((page.headers, page.signature, page.bodies) for page in pages))


def commits(effects: Iterable[object]) -> list[int]:
    """How many pages each commit has, of those that have some."""
    counts = [sum(isinstance(op, PutPage) for op in commit.ops) for commit in of(Commit, effects)]
    return [count for count in counts if count]


def test_the_pages_of_one_message_become_durable_together_and_are_told_of_once() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    effects = desk.hear(link, together(*(ben.says(f"{number}") for number in range(20))))
    assert commits(effects) == [20]
    assert [len(arrived.entries) for arrived in of(Arrived, effects)] == [20]
    assert len(desk.texts()) == 20
    assert set(desk.room.held) == {*desk.room.log.tips()}


def test_nothing_of_them_is_claimed_or_told_before_they_are_on_disk() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    before = desk.room.digest()
    desk.slow = True
    effects = [*desk.hear(link, together(ben.says("a"), ben.says("b"))), *desk.later(5)]
    assert not of(Arrived, effects)
    assert not sent(wire.Tips, effects)
    assert desk.room.digest() == before
    desk.sync()
    assert desk.room.digest() != before


@pytest.mark.parametrize("checked", [False, True])
def test_those_before_a_bad_one_settle_and_those_after_it_do_not(checked: bool) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    good, bad, after = ben.says("a"), ben.says("b"), ben.says("c")
    message = together(good, wire.Page(bad.room, bad.headers, bytes(64), bad.bodies), after)
    with pytest.raises(RemoteError, match="bad_signature"):
        if checked:
            desk.do(lambda replica: replica.received_checked(link, check_pages(message), desk.now))
        else:
            desk.hear(link, message)
    assert tip(good) in desk.room.log.index
    assert tip(after) not in desk.room.log.index
    assert len(desk.texts()) == 1


@given(st.data())
def test_it_makes_no_difference_where_and_in_how_many_parts_pages_are_checked(data: st.DataObject) -> None:
    ben, cara = Author("ben"), Author("cara")
    pages = [data.draw(st.sampled_from([ben, cara])).says(*("x" * data.draw(st.integers(1, 3)))) for _ in range(12)]
    pages = data.draw(st.permutations(pages[:4])) + pages[4:]
    if data.draw(st.booleans()):
        wrong = data.draw(st.integers(0, 11))
        pages[wrong] = wire.Page(ROOM.id, pages[wrong].headers, bytes(64), pages[wrong].bodies)
    message = together(*pages)
    here, elsewhere = Desk("anna"), Desk("anna")
    assert _taken(here, [message]) == _taken(elsewhere, list(map(check_pages, slices(message, data.draw(st.integers(1, 8))))))


def _taken(desk: Desk, messages: list[wire.Pages] | list[CheckedPages]) -> tuple[object, ...]:
    link = desk.meet(Author("ben"))
    desk.meet(Author("cara"))
    error = None
    try:
        for message in messages:
            desk.do(partial(_receive, link=link, message=message, now=desk.now))
    except RemoteError as wrong:
        error = wrong.kind
    return error, desk.texts(), sorted(desk.room.log.index), sorted(desk.room.sharings[link].parked)


def _receive(replica: Replica, *, link: int, message: wire.Pages | CheckedPages, now: Now) -> None:
    replica.received_checked(link, message, now)


def test_pages_that_come_too_early_are_asked_for_again() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    first, second = ben.says("a"), ben.says("b")
    desk.hear(link, together(second))
    assert [want.tips for want in sent(wire.Want, desk.later(LIVE_PATIENCE + 0.1), link)] == [(tip(second),)]
    desk.hear(link, together(first))
    assert len(desk.texts()) == 2


def test_what_exceeds_a_rate_is_not_even_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a stranger would let others work as fast as they can, for nothing."""
    monkeypatch.setattr(rates, "OPEN", rates.Rate(rates.RESERVED + 10, 1, rates.MIB, 1))
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    count = 0

    def counted(page: wire.Page) -> Checked:
        nonlocal count
        count += 1
        return check_page(page)

    monkeypatch.setattr(intake, "check_page", counted)
    desk.hear(link, together(*(ben.says(f"{number}") for number in range(200))))
    assert 0 < len(desk.texts()) == count < 60


def mixed(author: Author) -> wire.Page:
    """A page of a feed whose key has a part of order 8: its signature is one that libsodium lets pass."""
    secret = bindings.crypto_core_ed25519_scalar_reduce(bytes(range(64)))
    feed = bindings.crypto_core_ed25519_add(bindings.crypto_scalarmult_ed25519_base_noclamp(secret), ED25519_OF_ORDER_8)
    written = author.entry(feed=feed)
    message = b"peertalk/1 entry" + written.id
    for number in range(1, 256):
        nonce = number.to_bytes(32, "little")
        point = bindings.crypto_scalarmult_ed25519_base_noclamp(nonce)
        hashed = bindings.crypto_core_ed25519_scalar_reduce(bindings.crypto_hash_sha512(point + feed + message))
        s = bindings.crypto_core_ed25519_scalar_add(nonce, bindings.crypto_core_ed25519_scalar_mul(hashed, secret))
        if hashed[0] % 8 == 0:
            return wire.Page(ROOM.id, (written.raw,), point + s, (written.body,))
    raise AssertionError


@pytest.mark.parametrize("form", ["page", "pages", "checked"])
@pytest.mark.parametrize("kind", ["neutral", "order 4", "mixed"])
def test_a_feed_key_off_the_main_subgroup_is_refused_even_where_a_signature_seems_to_fit(kind: str, form: str) -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.meet(ben)
    if kind == "mixed":
        page = mixed(ben)
        assert verify_page(decode_header(page.headers[0]).feed, tip(page), page.signature)
    else:
        written = ben.entry(feed=(kind == "neutral").to_bytes(32, "little"))
        page = wire.Page(ROOM.id, (written.raw,), (1).to_bytes(32, "little") + bytes(32), (written.body,))
    message = page if form == "page" else together(page)
    with pytest.raises(RemoteError, match="bad_key"):
        if isinstance(message, wire.Pages) and form == "checked":
            desk.do(lambda replica: replica.received_checked(link, check_pages(message), desk.now))
        else:
            desk.hear(link, message)
    assert desk.texts() == []


# ── being served ─────────────────────────────────────────────────────────────────────────────────────────────────────


def served(monkeypatch: pytest.MonkeyPatch, pages: int = 60) -> tuple[Desk, list[wire.Page]]:
    """Somebody with a history, who gives little at a time."""
    monkeypatch.setattr(serving, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(serving, "ANSWER_SIZE", 1500)
    monkeypatch.setattr(serving, "MAX_ANSWER", 6000)
    desk, ben = Desk("dora"), Author("ben")
    history = [ben.says(f"{number}") for number in range(pages)]
    desk.hear(desk.meet(ben), *history)
    return desk, history


def test_who_asks_again_at_once_gets_more_each_time_and_who_takes_long_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, history = served(monkeypatch)

    def windows(pause: float) -> list[int]:
        link, got = desk.meet(Author(f"reader {pause}")), 0
        sizes = []
        for _ in range(4):
            known = (tip(history[got - 1]),) if got else ()
            pages = sent(wire.Page, desk.hear(link, wire.Want(ROOM.id, (tip(history[-1]),), known)), link)
            got += sum(page in history for page in pages)
            sizes.append(sum(map(wire.size, pages)))
            desk.later(pause)
        return sizes

    first, second, third, fourth = windows(0.1)
    assert first < second * 0.7 < third * 0.7**2
    assert fourth < 6000 + 1500
    assert max(windows(serving.QUICK + 0.5)) <= first * 1.3


def test_several_members_share_the_windows_and_nothing_is_fetched_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    _, history = served(monkeypatch)
    newcomer = Desk("newcomer")
    members = [Desk(name) for name in ("dora", "emil", "finn")]
    for member in members:
        member.hear(member.meet(Author("ben")), *history)
    brought = shuttle(newcomer, members)
    assert len(newcomer.texts()) == len(history)
    assert all(len(pages) > 5 for pages in brought)
    fetched = [page for pages in brought for page in pages]
    assert len(fetched) == len(set(fetched)) >= len(history)


def shuttle(newcomer: Desk, members: list[Desk]) -> list[list[bytes]]:
    """Link the newcomer with each, carry what they say to each other until nobody has more to say; which tips each one brought."""
    links = [(_link(newcomer, member), _link(member, newcomer)) for member in members]
    brought: list[list[bytes]] = [[] for _ in members]
    seen = [0] * (len(members) + 1)
    while any(seen[at] < len(desk.effects) for at, desk in enumerate((*members, newcomer))):
        for at, member in enumerate(members):
            fresh, seen[at] = member.effects[seen[at] :], len(member.effects)
            for message in [one.message for one in of(Send, fresh) if one.link == links[at][1]]:
                if isinstance(message, wire.Pages):
                    brought[at] += [hash32(page.headers[-1]) for page in message.each()]
                newcomer.hear(links[at][0], message)
        fresh, seen[-1] = newcomer.effects[seen[-1] :], len(newcomer.effects)
        for at, member in enumerate(members):
            for message in [one.message for one in of(Send, fresh) if one.link == links[at][0]]:
                member.hear(links[at][1], message)
    return brought


def _link(desk: Desk, other: Desk) -> int:
    desk.links += 1
    desk.do(lambda replica: replica.link_up(desk.links, other.me, (ROOM.id,), desk.now))
    return desk.links


def test_nothing_more_is_asked_for_while_much_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_UNWRITTEN", 1000)
    desk, ben = Desk(), Author("ben")
    pages = [ben.says(f"{number}") for number in range(12)]
    link = desk.meet(ben, tip(pages[-1]))
    desk.slow = True
    effects = desk.hear(link, together(*pages[:8]), wire.Done(ROOM.id, True))
    assert sent(wire.Want, [*effects, *desk.later(5)]) == []
    assert len(sent(wire.Want, desk.sync(), link)) == 1
