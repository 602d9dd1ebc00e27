from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.events import Message, MessageList
from peertalk.tui import timeline
from peertalk.tui.timeline import Item, Note, Splice, Timeline
from tests.tui.make import message, waiting


def ids(line: Timeline) -> list[str]:
    return [item.id if isinstance(item, Message) else item.text for item in line.items]


def filled(*numbers: int, more: bool = False) -> Timeline:
    line = Timeline()
    line.load(MessageList(messages=[message(number) for number in numbers], more=more))
    return line


def follow(before: list[Item], splices: list[Splice], after: list[Item]) -> list[Item]:
    """A view that is told of splices only, and takes new items from `after`."""
    view = list(before)
    for number, splice in enumerate(splices):
        new = after[splice.at : splice.at + splice.come] if number == len(splices) - 1 else [None] * splice.come
        view[splice.at : splice.at + splice.gone] = new
    return view


def test_messages_stand_in_lamport_order() -> None:
    line = filled(1, 2, 5)
    assert line.place(message(3)) == [Splice(2, 0, 1)]
    assert ids(line) == ["m1", "m2", "m3", "m5"]


def test_a_waiting_message_stays_below_until_it_has_its_place() -> None:
    line = filled(1)
    line.place(waiting(9))
    line.place(message(2))
    assert ids(line) == ["m1", "m2", "m9"]
    line.place(message(9, by="me", lamport=2))
    assert ids(line) == ["m1", "m2", "m9"]
    assert line.doubtful == 2
    line.place(message(3))
    assert ids(line) == ["m1", "m2", "m9", "m3"]


def test_what_changes_in_place_is_one_splice() -> None:
    line = filled(1, 2)
    assert line.place(message(1, "other words")) == [Splice(0, 1, 1)]
    assert line.items[0].text == "other words"
    assert line.doubtful is None


def test_two_at_one_time_are_for_the_node_to_order() -> None:
    line = filled(1, 2)
    line.place(message(7, lamport=2))
    assert line.doubtful == 2
    assert line.since(2) == 2
    assert line.reorder([message(7, lamport=2), message(2)]) == [Splice(1, 2, 2)]
    assert ids(line) == ["m1", "m7", "m2"]
    assert line.doubtful is None


def test_what_came_while_the_node_was_asked_is_kept_and_notes_stay_where_they_were_said() -> None:
    line = filled(1, 2)
    line.place(message(7, lamport=2))
    line.note(Note("said now", 0))
    line.place(message(8, lamport=3))
    line.reorder([message(7, lamport=2), message(2)])
    assert ids(line) == ["m1", "m7", "said now", "m2", "m8"]


def test_an_order_that_was_right_moves_nothing() -> None:
    line = filled(1, 2)
    line.place(message(7, lamport=2))
    assert line.reorder([message(2), message(7, lamport=2)]) == []


def test_older_pages_come_in_front_and_nothing_comes_twice() -> None:
    line = filled(5, 6, more=True)
    page = MessageList(messages=[message(3), message(4), message(5)], more=False)
    assert line.older(page) == Splice(0, 0, 2)
    assert ids(line) == ["m3", "m4", "m5", "m6"]
    assert not line.more


def test_a_message_from_above_the_window_waits_for_its_page() -> None:
    line = filled(5, 6, more=True)
    assert line.place(message(2)) == []
    assert ids(line) == ["m5", "m6"]
    line.older(MessageList(messages=[message(2), message(3)], more=False))
    assert ids(line) == ["m2", "m3", "m5", "m6"]


def test_the_window_lets_go_of_the_oldest(monkeypatch) -> None:
    monkeypatch.setattr(timeline, "WINDOW", 3)
    line = filled(1, 2, 3, 4, 5)
    assert line.trim() == [Splice(0, 2, 0)]
    assert ids(line) == ["m3", "m4", "m5"]
    assert line.more
    assert line.find("m1") is None
    assert line.trim() == []


def test_delivery_of_what_is_not_here_changes_nothing() -> None:
    line = filled(1)
    assert line.deliver("m9", ["a"], []) == []
    assert line.deliver("m1", ["a"], ["b"]) == [Splice(0, 1, 1)]
    first = line.items[0]
    assert isinstance(first, Message)
    assert (first.delivered_to, first.held_by) == (["a"], ["b"])


def test_notes_stand_below_what_was_there_and_above_what_waits() -> None:
    line = filled(1)
    line.note(Note("hint", 0))
    line.place(waiting(4))
    line.place(message(2))
    assert ids(line) == ["m1", "hint", "m2", "m4"]
    assert line.oldest() == "m1"
    newest = line.newest()
    assert newest is not None
    assert newest.id == "m4"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.integers(1, 12), st.integers(1, 8)),
        st.tuples(st.just("wait"), st.integers(1, 12), st.just(0)),
        st.tuples(st.just("note"), st.integers(1, 12), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_splices_tell_a_view_all_that_it_needs(steps: list[tuple[str, int, int]]) -> None:
    line, view = Timeline(), []
    for what, number, lamport in steps:
        if what == "note":
            splices = [line.note(Note(str(number), 0))]
        else:
            splices = line.place(waiting(number) if what == "wait" else message(number, lamport=lamport))
        view = follow(view, splices, line.items)
        assert view == line.items
    lamports = [item.lamport for item in line.items if isinstance(item, Message) and item.lamport is not None]
    assert lamports == sorted(lamports)
    assert len({item.id for item in line.items if isinstance(item, Message)}) == len(
        [item for item in line.items if isinstance(item, Message)]
    )


def test_notes_outlive_the_timeline_and_the_messages_that_they_followed() -> None:
    before, after = filled(1, 2, 3), filled(1, 2)
    before.note(Note("below three", 0))
    before.place(message(4))
    after.place(message(5))
    after.keep_notes(before)
    assert ids(after) == ["m1", "m2", "below three", "m5"]
