from __future__ import annotations

import time
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from peertalk import say
from peertalk.core.events import Author, Message, Quote
from peertalk.tui.blocks import MEASURE, Place, Speaker, heads, height, lines
from peertalk.tui.timeline import Item, Note
from tests.tui.make import MINUTE, NOON, author, message, waiting


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def speaker(state: str = "✓ everyone") -> Speaker:
    return Speaker(
        lambda who: who.name,
        lambda said: state if said.mine else say.clock_words(said),
        lambda said: say.gestures(said, {"mira": "Mira", "ben": "Ben"}, "me"),
        lambda who: who.name == "me",
        lambda: NOON,
    )


def shown(item: Item, above: Item | None = None, *, width: int = 60, below: Item | None = None, **more: object) -> list[str]:
    """The rows as text, with what stands at the right after a |."""
    rows = lines(item, Place(above, below, bool(more.pop("first_unread", False))), width, speaker(**more))  # type: ignore[arg-type]
    right = ["".join(text for text, _style in row.right) for row in rows]
    return [f"{row.text.rstrip()} | {words}" if words else row.text.rstrip() for row, words in zip(rows, right, strict=True)]


def test_the_first_message_has_the_day_and_the_name_above_it() -> None:
    assert [row.strip() for row in shown(message(1))] == ["Tuesday, 24 November", "", "Mira  12:00", "hello"]


def test_messages_of_one_person_close_together_share_a_name() -> None:
    assert shown(message(2, "and more", minutes=3), message(1)) == ["and more"]


@pytest.mark.parametrize(
    "second",
    [
        message(2, by="Jonas"),
        message(2, minutes=11),
        message(2, late=True),
        message(2, author=author("Mira", via="Jonas")),
    ],
)
def test_another_person_a_pause_a_late_one_and_hearsay_begin_anew(second: Message) -> None:
    rows = shown(second, message(1))
    assert rows[0] == ""
    assert rows[1].startswith(second.author.name)


def test_a_clock_that_is_far_off_begins_no_day() -> None:
    ahead = message(2, by="Jonas", minutes=24 * 60, clock="ahead")
    assert [row.split("  ")[0] for row in shown(ahead, message(1))] == ["", "Jonas", "hello"]
    assert "day" in heads(message(2, minutes=24 * 60), Place(message(1), None))


def test_what_is_hearsay_says_by_whom() -> None:
    assert shown(message(2, author=author("Lena", via="Mira")), message(1))[1] == "Lena  12:00  passed on by Mira"


def test_the_unread_line_stands_over_the_message() -> None:
    rows = shown(message(2, by="Jonas", minutes=1), message(1), first_unread=True)
    assert [row[:6] for row in rows] == ["", "── new", "", "Jonas ", "hello"]
    assert cell_len(rows[1]) == 60


def test_system_lines_stand_between_dots_and_close_together() -> None:
    came = message(2, "Sam", by="Sam", kind="here")
    left = message(3, "Sam", by="Sam", kind="left")
    assert shown(came, message(1)) == ["", "· Sam came in ·"]
    assert shown(left, came) == ["· Sam left ·"]
    assert shown(message(4), left)[:2] == ["", "Mira  12:00"]


def test_nobody_can_write_a_system_line() -> None:
    assert "· Sam came in ·" in shown(message(2, "· Sam came in ·"), message(1))[0]
    styles = {style for row in lines(message(2, "· x ·"), Place(message(1), None), 60, speaker()) for _text, style in row.left}
    assert "quiet" not in styles


def test_the_state_stands_beside_the_name() -> None:
    assert shown(message(2, by="me"), message(1))[1] == "you  12:00 | ✓ everyone"


def test_the_state_of_a_run_of_messages_is_said_once_at_its_end() -> None:
    first, second, third = (message(number, by="me") for number in (1, 2, 3))
    assert shown(first, message(0), below=second)[1] == "you  12:00"
    assert shown(second, first, below=third) == ["hello"]
    assert shown(third, second) == ["hello | ✓ everyone"]


def test_a_state_too_long_for_its_row_becomes_its_mark() -> None:
    long = message(2, "x" * 45, by="me")
    assert shown(long, message(1, by="me"), state="⏳ waiting until someone is here")[0].endswith("| ⏳")
    short = message(2, "hi", by="me")
    assert shown(short, message(1, by="me"), state="⏳ waiting until someone is here")[0].endswith("until someone is here")


def test_a_reply_quotes_one_line() -> None:
    quoted = message(1, "first line\nsecond line")
    quote = Quote(id="m1", state="shown", author=quoted.author, text="first line second line")
    rows = shown(message(2, "yes", by="Jonas", reply_to="m1", quote=quote), quoted)
    assert rows[2:] == ["┃ Mira: first line second line", "yes"]
    assert shown(message(2, "yes", by="Jonas", reply_to="m0"), quoted)[2:] == ["┃ an earlier message", "yes"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("deleted", "┃ an answer to something that was deleted"),
        ("expired", "┃ an answer to something that has expired"),
        ("blocked", "┃ an answer to somebody whom you have blocked"),
        ("missing", "┃ an answer to something that is not here"),
    ],
)
def test_an_answer_says_why_what_it_answers_is_not_to_be_seen(state: str, words: str) -> None:
    quote = Quote(id="m1", state=state, author=None)
    assert words in shown(message(2, "yes", by="Jonas", reply_to="m1", quote=quote))


def test_what_has_a_content_note_is_quoted_by_that() -> None:
    quote = Quote(id="m1", state="shown", author=Author(id="me", name="me", tag="me"), warning="grief")
    assert "┃ you: Content note: grief" in shown(message(2, "yes", by="Jonas", reply_to="m1", quote=quote))


def test_a_story_has_its_note_its_title_and_the_wish_of_its_teller_above_it() -> None:
    story = message(1, "once", kind="story", title="The train", warning="illness", replies="listen")
    assert shown(story)[3:] == ["Content note: illness", "The train  please just listen", "once"]


def test_what_was_edited_says_so_behind_its_last_word() -> None:
    rows = lines(message(1, "the train stood in a field", edited=True), Place(None, None), 24, speaker())
    assert [row.text for row in rows[3:]] == ["the train stood in a", "field (edited)"]
    assert rows[-1].left == (("field ", "text"), ("(edited)", "quiet"))
    alone = lines(message(1, "four and twenty letters.", edited=True), Place(None, None), 24, speaker())
    assert [row.left for row in alone[-2:]] == [(("four and twenty letters.", "text"),), (("", "text"), ("(edited)", "quiet"))]


def test_nobody_can_write_that_something_was_edited() -> None:
    rows = lines(message(1, "no (edited)"), Place(None, None), 60, speaker())
    assert rows[-1].left == (("no (edited)", "text"),)


def test_gestures_stand_below_by_name_and_are_never_counted() -> None:
    thanked = message(1, "here you are", reactions={"thanks": ["mira", "me"], "👍": ["mira"], "hope": ["gone"]})
    assert shown(thanked)[-1] == "Mira: thank you, 👍 · you: thank you · somebody: hope"


def test_what_was_deleted_is_a_quiet_line() -> None:
    assert shown(message(1, "", deleted=True))[2:] == ["· Mira deleted a message ·"]
    assert shown(message(1, "", by="me", deleted=True))[2:] == ["· you deleted a message ·"]


def test_where_a_clock_is_far_off_its_time_is_not_shown() -> None:
    assert shown(message(1, "hi", clock="ahead"))[2] == "Mira  their clock is ahead"


def test_what_is_wrong_with_a_message_is_not_cut_off_behind_a_short_name() -> None:
    said = message(1, "hi", clock="ahead", late=True)
    late = msgspec.structs.replace(said, author=author("Mira", via="Ben the Younger of the Old House"))
    [head] = [row for row in shown(late, width=70) if row.startswith("Mira")]
    assert head == "Mira  their clock is ahead  passed on by Ben the Younger of the Old H…"


def test_what_waits_looks_different() -> None:
    rows = lines(waiting(2), Place(message(1), None), 60, speaker())
    assert rows[-1].left[0][1] == "waiting"


def test_names_of_others_have_one_of_twelve_hues_and_long_ones_are_cut() -> None:
    rows = lines(message(2, by="N" * 80), Place(message(1), None), 40, speaker())
    name, style = rows[1].left[0]
    assert style.startswith("name-")
    assert cell_len(rows[1].text) <= 40
    assert name.endswith("…")


def test_a_note_is_marked_as_said_to_oneself_alone() -> None:
    assert shown(Note("only you\nsee this", NOON), message(1)) == ["", "▏ only you", "▏ see this"]


def test_a_time_that_no_calendar_has_is_no_reason_to_fail() -> None:
    assert shown(message(2, time=2**62, by="Jonas"), message(1))[-1] == "hello"


def test_wrapped_rows_join_and_paragraphs_do_not() -> None:
    rows = lines(message(2, "the train stood in a field\nfor hours"), Place(message(1), None), 14, speaker())
    assert [(row.text, row.joins) for row in rows] == [
        ("the train", False), ("stood in a", True), ("field", True), ("for hours", False),
    ]  # fmt: skip


MESSAGES = st.builds(
    message,
    st.integers(1, 5),
    st.text(alphabet="ab \näé日🚆", max_size=60),
    by=st.sampled_from(["me", "Mira", "Jonas", "日本語" * 9]),
    minutes=st.floats(0, 3000),
    kind=st.sampled_from(["text", "text", "here", "left", "name"]),
    late=st.booleans(),
    reply_to=st.sampled_from([None, "m1"]),
    edited=st.booleans(),
    deleted=st.booleans(),
    warning=st.sampled_from([None, "grief", "日本語" * 30]),
    title=st.sampled_from([None, "The train", "日本語" * 30]),
    replies=st.sampled_from([None, "listen"]),
    reactions=st.sampled_from([{}, {"thanks": ["mira", "ben", "gone"] * 9}]),
)
ITEMS = st.one_of(MESSAGES, st.builds(Note, st.text(alphabet="ab \n", max_size=30), st.integers(NOON, NOON + 9 * MINUTE)))


@given(ITEMS, st.none() | ITEMS, st.none() | ITEMS, st.booleans(), st.integers(24, 140))
def test_the_height_is_the_number_of_rows_and_none_is_too_wide(
    item: Item, above: Item | None, below: Item | None, unread: bool, width: int
) -> None:
    place = Place(above, below, unread)
    for words in ("", "✓ everyone", "⏳ waiting until someone is here"):
        rows = lines(item, place, width, speaker(words))
        assert len(rows) == height(item, place, width)
        for row in rows:
            right = sum(cell_len(text) for text, _style in row.right)
            assert cell_len(row.text) + right <= min(width, MEASURE)


def test_the_author_of_a_message_is_asked_for_by_the_speaker() -> None:
    two = replace(speaker(), name=lambda who: f"{who.name} · {who.tag}")
    rows = lines(message(2, author=Author(id="x", name="Anna", tag="k3f9")), Place(message(1), None), 60, two)
    assert rows[1].text == "Anna · k3f9  12:00"
