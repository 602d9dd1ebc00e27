"""What a message says by now: a function of the set, whatever the order of arrival; only its author can change it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.annotations import MAX_GESTURES, Folded, deletions, fold, is_of_author, newest, searchable, target
from peertalk.core.entry import Content, Delete, Edit, Here, React, Story, Text, seal_body
from peertalk.core.lineage import MAX_OLDER, Lineage, Speakers, speaks_for
from peertalk.core.stored import EntryRecord

ANNA, NEWER, NEWEST, BEN, CARA = (bytes([n]) * 32 for n in range(5))
MESSAGE = b"m" * 32
OLDER = {NEWER: frozenset((ANNA,)), NEWEST: frozenset((NEWER,))}
OWNERS = {ANNA: b"anna", NEWER: b"anna", NEWEST: b"anna", BEN: b"ben"}


def entry(content: Content, feed: bytes, lamport: int, message: bytes = b"") -> EntryRecord:
    kind, body = seal_body(content, bytes)
    id_ = bytes([lamport]) * 32
    fixed = {"id": id_, "feed": feed, "seq": 1, "time": 0, "header": b"", "received": 0}
    return EntryRecord(**fixed, lamport=lamport, kind=kind, message=message or id_, body=body)


def folded(first: Content, *annotations: EntryRecord) -> Folded:
    return fold(entry(first, ANNA, 1, MESSAGE), annotations, Speakers(OLDER), lambda feed: OWNERS.get(feed, b""))


def test_the_last_edit_of_the_author_is_what_it_says() -> None:
    edits = [entry(Edit(MESSAGE, text), feed, n) for n, text, feed in ((4, "two", NEWER), (2, "one", ANNA))]
    found = folded(Text("zero", reply_to=b"r" * 32, warning="w"), *edits)
    assert found == Folded(Text("two", b"r" * 32), bytes([4]) * 32, True, False, {})


def test_an_edited_story_keeps_what_its_teller_wished_for() -> None:
    told = Story("zero", "title", "warning", "listen", b"r" * 32)
    found = folded(told, entry(Edit(MESSAGE, "one", "other title"), ANNA, 2))
    assert found.content == Story("one", "other title", None, "listen", b"r" * 32)


@pytest.mark.parametrize("content", [Edit(MESSAGE, "theirs"), Delete(MESSAGE)])
def test_a_stranger_changes_nothing(content: Content) -> None:
    assert folded(Text("mine"), entry(content, BEN, 2)) == Folded(Text("mine"), MESSAGE_ENTRY, False, False, {})


MESSAGE_ENTRY = bytes([1]) * 32


def test_a_deletion_beats_all_edits_and_gestures() -> None:
    later = [entry(Edit(MESSAGE, "again"), ANNA, 4), entry(React(MESSAGE, "heart"), BEN, 5)]
    assert folded(Text("mine"), entry(Delete(MESSAGE), NEWEST, 2), *later) == Folded(None, MESSAGE_ENTRY, False, True, {})


def test_of_each_gesture_of_a_person_the_last_word_counts_whichever_feed_it_is_in() -> None:
    gestures = [
        entry(React(MESSAGE, "heart"), BEN, 2),
        entry(React(MESSAGE, "heart"), ANNA, 3),
        entry(React(MESSAGE, "heart", remove=True), NEWER, 4),
        entry(React(MESSAGE, "heart"), NEWEST, 5),
        entry(React(MESSAGE, "candle"), BEN, 6),
        entry(React(MESSAGE, "candle", remove=True), BEN, 7),
        entry(React(MESSAGE, "heart"), CARA, 8),
    ]
    assert folded(Text("mine"), *gestures).reactions == {"heart": (b"ben", b"anna")}


def test_what_was_edited_away_or_erased_folds_to_nothing_to_show() -> None:
    erased = EntryRecord(
        **{name: getattr(entry(Text("x"), ANNA, 1), name) for name in EntryRecord.__struct_fields__} | {"body": None}
    )
    assert fold(erased, (), Speakers(OLDER), OWNERS.__getitem__) == Folded(None, erased.id, False, False, {})


contents = st.one_of(
    st.builds(Edit, st.just(MESSAGE), st.sampled_from("abc")),
    st.builds(React, st.just(MESSAGE), st.sampled_from(["heart", "candle"]), st.booleans()),
    st.just(Delete(MESSAGE)),
)
written = st.lists(st.tuples(contents, st.sampled_from([ANNA, NEWER, NEWEST, BEN])), max_size=8).map(
    lambda said: [entry(content, feed, 2 + n) for n, (content, feed) in enumerate(said)]
)


@given(written.flatmap(lambda said: st.tuples(st.just(said), st.permutations(said))))
def test_in_whatever_order_they_came_the_same_comes_out(both: tuple[list[EntryRecord], list[EntryRecord]]) -> None:
    assert folded(Text("zero"), *both[0]) == folded(Text("zero"), *both[1])


def test_whoever_deletes_a_message_names_its_own_edits_too() -> None:
    edits = [entry(Edit(MESSAGE, "x"), feed, 2 + n) for n, feed in enumerate((ANNA, BEN, NEWER))]
    said = deletions(entry(Text("zero"), ANNA, 1, MESSAGE), [*edits, entry(React(MESSAGE, "heart"), ANNA, 9)], OLDER)
    assert said == [Delete(MESSAGE), Delete(edits[0].message), Delete(edits[2].message)]


@pytest.mark.parametrize(
    ("content", "about", "words"),
    [
        (Text("a"), b"", "a"),
        (Story("a", "title"), b"", "title\na"),
        (Edit(MESSAGE, "a", "title"), MESSAGE, "title\na"),
        (React(MESSAGE, "heart"), MESSAGE, ""),
        (Delete(MESSAGE), MESSAGE, ""),
        (Here("a"), b"", ""),
    ],
)
def test_what_entries_are_about_and_what_they_are_found_by(content: Content, about: bytes, words: str) -> None:
    kind, body = seal_body(content, bytes)
    assert (target(kind, body), searchable(kind, body)) == (about, words)
    assert (target(kind, body[:40]), searchable(kind, b"")) == (b"", "")
    assert (target(kind, None), searchable(kind, None)) == (b"", "")


# ── who goes on from whom ────────────────────────────────────────────────────────────────────────────────────────────

feeds = st.integers(0, 7).map(lambda n: bytes([n]) * 32)
ties = st.lists(st.tuples(feeds, feeds), max_size=10)


def tied(pairs: list[tuple[bytes, bytes]]) -> Lineage:
    lineage = Lineage()
    for feed, before in pairs:
        lineage.tie(feed, before)
    return lineage


@given(ties.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))), feeds)
def test_who_speaks_for_whom_follows_from_the_set_alone(both: tuple[list[tuple[bytes, bytes]], ...], feed: bytes) -> None:
    one, other = tied(both[0]), tied(both[1])
    assert one.older == other.older
    assert one.kin(feed) == other.kin(feed)
    assert speaks_for(feed, one.older) <= one.kin(feed)
    assert all(one.kin(kin) == one.kin(feed) for kin in one.kin(feed))


@given(ties, st.integers(1, 4))
def test_what_each_tie_adds_is_who_speaks_for_whom_in_the_end(pairs: list[tuple[bytes, bytes]], most: int) -> None:
    """Also where somebody's line is longer than their word counts: what is erased by each must not depend on their order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("peertalk.core.lineage.MAX_OLDER", most)
        lineage, added = Lineage(), set()
        for feed, before in pairs:
            lineage.tie(feed, before)
            by, feeds = lineage.reach(feed, before)
            added |= {(one, of) for one, far in by.items() for of, back in feeds.items() if one != of and back <= far}
        whole = {(one, of) for one in lineage.older for of in speaks_for(one, lineage.older) if one != of}
    assert added == whole


def test_a_newer_feed_speaks_for_all_before_it_and_for_none_after_or_beside_it() -> None:
    beside = b"b" * 32
    lineage = tied([(NEWEST, NEWER), (NEWER, ANNA), (beside, ANNA)])
    assert speaks_for(NEWEST, lineage.older) == {NEWEST, NEWER, ANNA}
    assert speaks_for(beside, lineage.older) == {beside, ANNA}
    assert not is_of_author(ANNA, NEWER, lineage.older)
    assert lineage.kin(beside) == {NEWEST, NEWER, ANNA, beside}
    assert lineage.kin(BEN) == {BEN}


def test_who_makes_up_a_long_line_of_feeds_is_followed_a_thousand_back() -> None:
    line = [n.to_bytes(32, "big") for n in range(MAX_OLDER + 5)]
    lineage = tied([(line[n + 1], line[n]) for n in range(len(line) - 1)])
    assert line[4] in speaks_for(line[-1], lineage.older)
    assert line[3] not in speaks_for(line[-1], lineage.older)
    speaks = Speakers(lineage.older)
    assert [speaks(line[-1], line[n]) for n in (3, 4)] == [False, True]


@given(ties, feeds, feeds)
def test_it_is_the_same_from_either_end(pairs: list[tuple[bytes, bytes]], feed: bytes, of: bytes) -> None:
    older = tied(pairs).older
    assert Speakers(older)(feed, of) == is_of_author(feed, of, older)


def test_a_made_up_line_of_feeds_that_edits_everything_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a thousand feeds edits what the one before the first has said, a hundred times over."""
    asked: list[bytes] = []

    def counted(feed: bytes, older: Mapping[bytes, Collection[bytes]]) -> frozenset[bytes]:
        asked.append(feed)
        return speaks_for(feed, older)

    monkeypatch.setattr("peertalk.core.lineage.speaks_for", counted)
    line = [n.to_bytes(32, "big") for n in range(300)]
    speaks = Speakers(tied([(line[n + 1], line[n]) for n in range(len(line) - 1)]).older)
    edits = [entry(Edit(MESSAGE, "again"), feed, 2 + n % 200) for n, feed in enumerate(line)]
    for _ in range(100):
        assert fold(entry(Text("mine"), line[0], 1, MESSAGE), edits, speaks, OWNERS.get).edited  # type: ignore[arg-type]  # nobody
        assert not fold(entry(Text("mine"), BEN, 1, MESSAGE), edits, speaks, OWNERS.get).edited  # type: ignore[arg-type]
    assert len(asked) <= 1


def test_of_the_gestures_of_a_feed_the_last_few_count_whatever_came_before() -> None:
    many = [entry(React(MESSAGE, f"{n}"), feed, 2 * n + 2 + at) for n in range(100) for at, feed in enumerate((ANNA, BEN))]
    found = folded(Text("mine"), *many).reactions
    assert [*found] == [f"{n}" for n in range(100 - MAX_GESTURES, 100)]
    assert folded(Text("mine"), *newest(many)).reactions == found


def test_who_has_many_feeds_makes_no_more_gestures_that_count() -> None:
    many = [entry(React(MESSAGE, f"{n}"), (ANNA, NEWER, NEWEST)[n % 3], 2 + n) for n in range(150)]
    once = [entry(React(MESSAGE, f"{n}"), BEN, 160 + n) for n in range(3)]
    found = folded(Text("mine"), *many, *once).reactions
    assert [word for word, people in found.items() if b"anna" in people] == [f"{n}" for n in range(150 - MAX_GESTURES, 150)]
    assert [word for word, people in found.items() if b"ben" in people] == ["0", "1", "2"]
    assert folded(Text("mine"), *reversed(newest([*once, *many]))).reactions == found
