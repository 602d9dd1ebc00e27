"""A conversation written down, gestures and quotes in words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from peertalk import i18n, say
from peertalk.core.events import Author, IdentityView, Message, Quote, Room

LOBBY = Room(id="cc", name="lobby", kind="open")
MIRA = Author(id="aa", name="Mira", tag="m1ra")
BEN = IdentityView(id="bb", name="Ben", tag="b3n0")
NOON = 1_795_521_600_000  # 2026-11-24 12:00 UTC
DAY = 86_400_000


@pytest.fixture(autouse=True)
def english_in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    i18n.activate("en")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
    i18n.activate("en")


def said(text: str = "hello", **fields: object) -> Message:
    values = {"id": "01", "room": "cc", "author": MIRA, "seq": 1, "lamport": 1, "time": NOON, "text": text}
    return Message(**(values | fields))  # type: ignore[arg-type]


def markdown(*messages: Message) -> str:
    form = say.form("markdown", [MIRA, BEN])
    return form.begin(LOBBY, NOON) + "".join(map(form.message, messages)) + form.end()


def test_a_day_has_a_heading_and_each_message_who_and_when() -> None:
    assert markdown(said(), said("later", time=NOON + DAY)) == (
        "# \\#lobby\n\nAs it was on Tuesday, 24 November 2026 at 12:00.\n"
        "\n## Tuesday, 24 November 2026\n\n**12:00 Mira**\n\n    hello\n"
        "\n## Wednesday, 25 November 2026\n\n**12:00 Mira**\n\n    later\n"
    )


def test_a_clock_that_is_far_off_begins_no_day() -> None:
    told = markdown(said(), said("later", time=NOON + DAY, clock="ahead"), said("again"))
    assert told.count("\n## ") == 1


def test_a_message_has_all_that_belongs_to_it() -> None:
    quote = Quote(id="00", state="shown", author=Author(id="bb", name="Ben", tag="b3n0"), text="and you?")
    fields = {"kind": "story", "title": "The train", "warning": "illness", "edited": True, "quote": quote}
    whole = said("once", reactions={"thanks": ["bb"]}, **fields)
    assert markdown(whole).split("\n\n", 3)[3] == (
        "**12:00 Mira** \\(edited\\)\n\n> Ben\\: and you?\n\n*Content note\\: illness*\n\n**The train**\n\n    once\n\n"
        "*Ben\\: thank you*\n"
    )


@pytest.mark.parametrize("forged", ["# Heading", "**12:00 Ben**", "</pre><h1>", "- item\n## Day\n\n**13:00 Ben**\n\n    no"])
def test_nobody_can_write_a_line_of_the_file_itself(forged: str) -> None:
    author = Author(id="dd", name="# *Ben*", tag="x")
    rows = markdown(said(forged, author=author), said("", title=forged[:9], kind="story", warning="*x*")).splitlines()
    ours = [row for row in rows if row and not row.startswith("    ")]
    assert [row for row in ours if row.startswith("#")] == ["# \\#lobby", "## Tuesday, 24 November 2026"]
    assert "**12:00 \\# \\*Ben\\* · x**" in ours
    assert [row for row in ours if row.startswith("**12:00")] == ["**12:00 \\# \\*Ben\\* · x**", "**12:00 Mira**"]


def test_quiet_lines_and_what_was_deleted_are_named() -> None:
    written = markdown(said("", deleted=True), said("Mira", kind="here"))
    assert "*12:00 Mira deleted a message*" in written
    assert "*12:00 Mira came in*" in written


def test_as_json_it_is_one_object_of_the_interface() -> None:
    form = say.form("json", [])
    whole = json.loads(form.begin(LOBBY, NOON) + form.message(said("a")) + form.message(said("b")) + form.end())
    assert (whole["room"]["name"], whole["exported"], [one["text"] for one in whole["messages"]]) == ("lobby", NOON, ["a", "b"])
    assert json.loads(say.form("json", []).begin(LOBBY, 0) + form.end())["messages"] == []


def test_gestures_are_said_in_the_readers_language() -> None:
    thanked = said(reactions={"thanks": ["bb", "me"], "hear": ["bb"], "👋": ["zz"]})
    assert say.gestures(thanked, {"bb": "Ben"}, "me") == "Ben: thank you, I hear you · you: thank you · somebody: 👋"
    i18n.activate("de")
    assert say.gestures(thanked, {"bb": "Ben"}, "me") == "Ben: danke, Ich höre dich · du: danke · jemand: 👋"


def test_a_name_among_gestures_ends_where_it_ends() -> None:
    assert say.gestures(said(reactions={"hope": ["bb"]}), {"bb": "Ben: thank you, Zoe"}) == "Ben thank you Zoe: hope"


@pytest.mark.parametrize(("clock", "words"), [("ahead", "their clock is ahead"), ("behind", "their clock is behind")])
def test_a_clock_that_is_far_off_is_said(clock: str, words: str) -> None:
    assert say.state(said(clock=clock), LOBBY) == say.marks(said(clock=clock)) == words
