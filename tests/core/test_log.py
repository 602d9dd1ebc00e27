"""The set of settled entries: what settles, what is void, and that nothing of it depends on the order of arrival."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import wire
from peertalk.core.entry import Text
from peertalk.core.log import Log, record
from peertalk.core.stored import PageRecord
from peertalk.errors import RemoteError
from tests.core.authors import NOTHING, ROOM, Author, ids, tip


def add(log: Log, page: wire.Page) -> bool | None:
    """Settle a page: True if a new fork shows, None if it does not settle (yet)."""
    items = log.check(page)
    if isinstance(items, bytes):
        return None
    if not items:
        return False
    entries = tuple(record(item, received=0) for item in items)
    first = items[0].header
    kept = PageRecord(
        room=log.room, number=len(log.pages), feed=first.feed, prev=first.prev, signature=page.signature, entries=entries
    )
    return log.add(kept, (id_ for item in items for id_ in (item.header.prev, *item.header.after)))


def fill(log: Log, pages: list[wire.Page]) -> None:
    """Settle these pages, each as soon as it can."""
    waiting = list(pages)
    while waiting:
        left = [page for page in waiting if add(log, page) is None]
        assert len(left) < len(waiting), "some never settle"
        waiting = left


def refusal(log: Log, page: wire.Page) -> tuple[str, object]:
    with pytest.raises(RemoteError) as error:
        log.check(page)
    return error.value.kind, error.value.data.get("why")


def view(log: Log) -> object:
    """All that the set says, whatever the order in which it came."""
    lamports = {id_: lamport for page in log.pages for id_, _, lamport in page.entries}
    order = sorted(lamports, key=lambda id_: (lamports[id_], id_))
    return order, sorted(log.tips()), sorted(log.heads.items()), {f: chain.forked for f, chain in log.chains.items()}


# ── settling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_settles_on_what_it_names() -> None:
    log, ben, cara = Log(ROOM.id), Author("ben"), Author("cara")
    first = ben.says("one", "two")
    answer = cara.says("three", after=(tip(first),), lamport=3)
    assert log.check(answer) == tip(first)
    assert add(log, first) is False
    assert add(log, answer) is False
    assert log.check(answer) == ()
    assert [log.lamport(id_) for id_ in (*ids(first), *ids(answer))] == [1, 2, 3]


def test_a_page_settles_whole_or_not_at_all() -> None:
    log, ben, cara = Log(ROOM.id), Author("ben"), Author("cara")
    unseen = cara.says("elsewhere")
    one, two = ben.then(Text("fine"))[0], ben.then(Text("rests on what is not here"), after=(tip(unseen),), lamport=2)[0]
    page = ben.page(one, two)
    assert add(log, page) is None
    assert (log.count, log.pages, log.tips()) == (0, [], [])
    fill(log, [page, unseen])
    assert log.count == 3


def test_a_page_whose_beginning_is_here_settles_with_the_rest() -> None:
    log, ben = Log(ROOM.id), Author("ben")
    entries = ben.then(*map(Text, "abcdef"))
    assert add(log, ben.page(*entries[:2])) is False
    assert add(log, ben.page(*entries[:4])) is False
    assert add(log, ben.page(*entries[3:])) is False
    assert [len(page.entries) for page in log.pages] == [2, 2, 2]
    assert log.tips() == [entries[5].id]


def test_a_shorter_page_inside_a_longer_one_adds_nothing() -> None:
    log, ben = Log(ROOM.id), Author("ben")
    entries = ben.then(*map(Text, "abcdef"))
    add(log, ben.page(*entries))
    before = view(log)
    assert add(log, ben.page(*entries[:3])) is False
    assert view(log) == before


def test_longer_and_shorter_pages_of_one_feed_come_to_the_same() -> None:
    ben = Author("ben")
    entries = ben.then(*map(Text, "abcdef"))
    pages = [ben.page(*entries[:2]), ben.page(*entries[:4]), ben.page(*entries[2:5]), ben.page(*entries)]
    views = []
    for order in permutations(pages):
        log = Log(ROOM.id)
        fill(log, list(order))
        views.append(view(log))
    assert all(one == views[0] for one in views)


# ── void ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

CASES: dict[str, tuple[Callable[[Author, Author, wire.Page, wire.Page], wire.Page], tuple[str, object]]] = {
    "too late a Lamport time": (lambda b, c, _, p: c.page(c.entry(lamport=9)), ("void_entry", "lamport")),
    "the end of time": (lambda b, c, _, p: c.page(c.entry(lamport=2**53 - 1)), ("void_entry", "lamport")),
    "too early for what it names": (
        lambda b, c, page, p: c.page(c.entry(after=(tip(page),), lamport=2)),
        ("void_entry", "lamport"),
    ),
    "a first one with a later time": (
        lambda b, c, _, p: Author("d").page(Author("d").entry(lamport=2)),
        ("void_entry", "lamport"),
    ),
    "the predecessor is somebody else's": (
        lambda b, c, page, p: c.page(c.entry(prev=tip(page), seq=3, lamport=3)),
        ("void_entry", "predecessor"),
    ),
    "a seq left out": (lambda b, c, _, p: c.page(c.entry(seq=3)), ("void_entry", "predecessor")),
    "another room": (lambda b, c, _, p: c.page(c.entry(room=NOTHING)), ("void_entry", "room")),
    "a run with a hole": (
        lambda b, c, _, p: c.page(c.then(Text("a"))[0], c.entry(seq=4)),
        ("void_entry", "chain"),
    ),
    "a run of two feeds": (lambda b, c, page, p: c.page(b.last or b.entry(), c.entry()), ("void_entry", "chain")),
    "a wrong time within a run": (
        lambda b, c, _, p: c.page(c.then(Text("a"))[0], c.entry(lamport=4)),
        ("void_entry", "lamport"),
    ),
    "signed by somebody else": (lambda b, c, _, p: b.page(c.entry()), ("bad_signature", None)),
    "signed at another entry": (
        lambda b, c, _, p: wire.Page(ROOM.id, (c.entry().raw,), c.key.sign_page(NOTHING), (None,)),
        ("bad_signature", None),
    ),
    "another body": (lambda b, c, _, p: c.page(c.entry(), bodies=(bytes(64),)), ("bad_body", None)),
    "another size of body": (lambda b, c, _, p: c.page(c.entry(size=128)), ("bad_body", None)),
    "a body too few": (lambda b, c, _, p: c.page(*c.then(Text("a"), Text("b")), bodies=(None,)), ("malformed", None)),
    "no header": (lambda b, c, _, p: wire.Page(ROOM.id, (b"\x90",), bytes(64), (None,)), ("malformed", None)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_no_honest_member_passes_on_costs_the_link(case: str) -> None:
    make, expected = CASES[case]
    log, ben, cara = Log(ROOM.id), Author("ben"), Author("cara")
    pages = [ben.says("one", "two"), cara.says("three")]
    fill(log, pages)
    before = view(log)
    assert refusal(log, make(ben, cara, pages[0], pages[1])) == expected
    assert view(log) == before


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31)], ids=["zero", "one"])
def test_a_feed_whose_key_is_none_is_void(key: bytes) -> None:
    log, ben = Log(ROOM.id), Author("ben")
    assert refusal(log, ben.page(ben.entry(feed=key)))[0] in ("bad_key", "bad_signature")


@given(st.data())
def test_a_damaged_page_is_refused_or_unsettled_and_changes_nothing(data: st.DataObject) -> None:
    log, ben = Log(ROOM.id), Author("ben")
    add(log, ben.says("one"))
    page = ben.says("two", "three")
    before = view(log)
    headers = [bytearray(raw) for raw in page.headers]
    raw = data.draw(st.sampled_from(headers))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = wire.Page(page.room, tuple(map(bytes, headers)), page.signature, page.bodies)
    with pytest.raises(RemoteError):
        log.check(damaged)
    assert view(log) == before


# ── forks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def forked_pages() -> list[wire.Page]:
    """Ben tells two stories; each is answered."""
    ben, cara, dora = Author("ben"), Author("cara"), Author("dora")
    start = ben.says("one", "two")
    fork = ben.last
    left = ben.says("to cara", "more to cara")
    ben.last = fork
    right = ben.says("to dora")
    return [
        start,
        left,
        right,
        cara.says("answer", after=(tip(left),), lamport=5),
        dora.says("answer", after=(tip(right),), lamport=4),
    ]


def test_a_fork_is_two_tips_and_is_told_once() -> None:
    pages = forked_pages()
    log = Log(ROOM.id)
    assert [add(log, page) for page in pages] == [False, False, True, False, False]
    assert set(log.chains[log.pages[0].feed].tips) == {tip(pages[1]), tip(pages[2])}


@pytest.mark.parametrize("order", list(permutations(range(5))), ids=lambda order: "".join(map(str, order)))
def test_order_and_tips_are_a_function_of_the_set(order: tuple[int, ...]) -> None:
    pages, one, other = forked_pages(), Log(ROOM.id), Log(ROOM.id)
    fill(one, pages)
    fill(other, [pages[number] for number in order])
    assert view(other) == view(one)


def test_two_first_entries_are_a_fork_too() -> None:
    log, ben = Log(ROOM.id), Author("ben")
    one = ben.says("here")
    ben.last = None
    other = ben.says("there")
    assert [add(log, one), add(log, other)] == [False, True]
    assert set(log.tips()) == {tip(one), tip(other)}


def test_a_fork_inside_a_settled_page_is_seen() -> None:
    log, ben = Log(ROOM.id), Author("ben")
    entries = ben.then(*map(Text, "abc"))
    add(log, ben.page(*entries))
    ben.last = entries[0]
    assert add(log, ben.says("another b")) is True
    assert len(log.tips()) == 2


# ── own entries ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_entry_names_the_eight_greatest_heads_sorted() -> None:
    log = Log(ROOM.id)
    pages = [Author(f"a{number}").says(*"x" * (number + 1)) for number in range(10)]
    fill(log, pages)
    assert log.after(b"") == tuple(sorted(tip(page) for page in pages[2:]))
    assert tip(pages[9]) not in log.after(tip(pages[9]))


def test_what_is_named_is_no_head_any_more() -> None:
    log, ben, cara = Log(ROOM.id), Author("ben"), Author("cara")
    first = ben.says("one")
    fill(log, [first, cara.says("two", after=(tip(first),), lamport=2)])
    assert cara.last is not None
    assert log.after(b"") == (cara.last.id,)


def test_a_log_comes_back_from_its_pages() -> None:
    log, pages = Log(ROOM.id), forked_pages()
    fill(log, pages)
    again = Log(ROOM.id, log.pages)
    order, tips, _, forks = view(log)  # type: ignore[misc]  # a tuple of four
    assert view(again)[:2] == (order, tips)  # type: ignore[index]
    assert {f: chain.forked for f, chain in again.chains.items()} == forks
    assert again.count == log.count


# ── serving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def histories(draw: st.DrawFn) -> list[wire.Page]:
    """A room's pages in one settle order: some authors, some forks, each entry naming some of what was there."""
    authors = [Author(name) for name in "abc"]
    places: dict[bytes, int] = {}
    stations: dict[str, list[object]] = {author.name: [None] for author in authors}
    pages: list[wire.Page] = []
    for _ in range(draw(st.integers(1, 12))):
        author = draw(st.sampled_from(authors))
        if draw(st.integers(0, 5)) == 0:
            author.last = draw(st.sampled_from(stations[author.name]))  # type: ignore[assignment]
        after = draw(st.lists(st.sampled_from(sorted(places)), max_size=3, unique=True)) if places else []
        prev = author.last.id if author.last else b""
        after = sorted(id_ for id_ in after if id_ != prev)
        lamport = 1 + max([author.last.header.lamport if author.last else 0, *(places[id_] for id_ in after)])
        entries = author.then(*[Text("x")] * draw(st.integers(1, 3)), after=tuple(after), lamport=lamport)
        stations[author.name].extend(entries)
        places.update((entry.id, entry.header.lamport) for entry in entries)
        pages.append(author.page(*entries))
    return pages


@given(histories(), st.data())
def test_what_is_served_settles_in_the_order_in_which_it_is_served(pages: list[wire.Page], data: st.DataObject) -> None:
    full, part = Log(ROOM.id), Log(ROOM.id)
    fill(full, pages)
    for page in pages:
        if data.draw(st.booleans()):
            add(part, page)
    by_tip = {tip(page): page for page in pages}
    for page, skip in full.lacking(part.tips(), full.tips(), len(full.pages)):
        kept = by_tip[page.entries[-1][0]]
        assert add(part, wire.Page(kept.room, kept.headers[skip:], kept.signature, kept.bodies[skip:])) is not None
        assert len(page.entries) > skip
    assert view(part)[:2] == view(full)[:2]  # type: ignore[index]


@given(histories())
def test_who_has_all_lacks_nothing_and_who_has_nothing_lacks_all(pages: list[wire.Page]) -> None:
    log = Log(ROOM.id)
    fill(log, pages)
    assert list(log.lacking(log.tips(), log.tips(), len(log.pages))) == []
    assert [page.number for page, skip in log.lacking((), log.tips(), len(log.pages))] == list(range(len(log.pages)))


def test_only_what_is_durable_and_wanted_is_served() -> None:
    log, ben = Log(ROOM.id), Author("ben")
    pages = [ben.says(text) for text in "abcd"]
    fill(log, pages)
    assert [page.number for page, _ in log.lacking((), [tip(pages[3])], 2)] == [0, 1]
    assert [page.number for page, _ in log.lacking((), [tip(pages[2])], 4)] == [0, 1, 2]
    assert list(log.lacking((), [NOTHING], 4)) == []
    assert [page.number for page, _ in log.lacking([NOTHING], [tip(pages[0])], 4)] == [0]
