"""The empty page: what is said where nobody is here (say.nobody), laid out in rows. Pure."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from peertalk import say
from peertalk.commands import written
from peertalk.core.events import Report, Room, Status
from peertalk.i18n import _
from peertalk.say.nobody import Interfaces, Nobody, Search, Way
from peertalk.tui.widgets.page import Paragraph

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk

COLUMNS = 64
"""How wide a sentence is here."""


def page_lines(talk: Talk | None, seconds: float, report: Report | None = None) -> tuple[Paragraph, ...]:
    """What stands in place of a transcript after so many seconds; nothing where there is something to read. `report`: what the
    doctor found meanwhile."""
    if talk is None:
        return opening(seconds)
    if talk.room is None or talk.conversation is None:
        return () if talk.roster.rooms else no_room()
    if talk.conversation.timeline.items:
        return ()
    if talk.room.outside:
        return outside()
    if talk.room.online > 1:
        return quiet(talk.room, talk.roster.title(talk.room))
    return nobody(talk.room, talk.node.status(), talk.node.interfaces(), seconds, report)


def is_lonely(talk: Talk | None) -> bool:
    """Whether somebody finds nobody at all, so that the doctor should look."""
    if talk is None or talk.room is None or talk.conversation is None:
        return False
    if talk.room.kind == "direct" or talk.room.outside or talk.room.archived:
        return False
    return talk.room.online < 2 and not talk.node.status().links


def opening(seconds: float) -> tuple[Paragraph, ...]:
    """While the profile is being opened."""
    waited = f"  ({int(seconds)} s)" if seconds >= 1 else ""
    return (((_("One moment: your profile is being opened."), "soft"), (waited, "soft")),)


def no_room() -> tuple[Paragraph, ...]:
    """In no room at all."""
    return (
        ((_("You are in no room."), "strong"),),
        (),
        ((_("Enter an open one:"), ""), ("   /join lobby", "accent")),
    )


def nobody(
    room: Room, status: Status, interfaces: Interfaces, seconds: float, report: Report | None = None
) -> tuple[Paragraph, ...]:
    """A room in which nothing was written and nobody else is."""
    if room.kind == "direct":
        away, write = say.nobody.partner_away(room.name)
        return ((away, "strong"),), (), ((write, "soft"),)
    words = say.nobody.nobody(room, status, interfaces, seconds, report)
    found, ways = _found_out(words), _to_try(words)
    return (((words.first, "strong"),), (), *_searching(words.search, seconds), (), *found, *ways)


def in_passing(report: Report) -> str:
    """What is wrong, where there is something to read."""
    words, more = say.nobody.in_passing(report)
    return f"{words} {more.why} {written(more)}"


def outside() -> tuple[Paragraph, ...]:
    """Before the closed door of a room."""
    return (
        ((_("The door is closed. Somebody inside can let you in."), "strong"),),
        (),
        ((_("As soon as somebody does, you see what is written here. Until then nobody inside is told that you wait."), "soft"),),
    )  # fmt: skip


def quiet(room: Room, name: str) -> tuple[Paragraph, ...]:
    """Others are here, and nothing has been written yet."""
    if room.kind == "direct":
        return (((_("Nothing is written yet between you and {name}.").format(name=name), "soft"),),)
    return (((_("Nothing is written here yet. Say hello."), "soft"),),)


def _searching(search: Search, seconds: float) -> list[Paragraph]:
    if not search.places:
        return [((row, "attention"),) for row in _wrap(search.sentence)]
    lead, (first, *more) = f"{search.sentence}  ", search.places
    marks = [("  ✓ ", "accent") if search.seen else ("  ? ", "attention"), *[("    ", "")] * len(search.answers)]
    return [
        ((lead, ""), (first, "accent"), (f"   ({int(seconds)} s)", "soft")),
        *(((" " * len(lead), ""), (each, "accent")) for each in more),
        *((mark, (answer, "soft")) for mark, answer in zip(marks, search.answers, strict=False)),
    ]


def _found_out(words: Nobody) -> list[Paragraph]:
    """The doctor's verdict, and the first thing to do about it."""
    lines: list[Paragraph] = []
    if words.verdict:
        first, *more = _wrap(words.verdict)
        lines = [(("! " if words.failed else "? ", "attention"), (first, "")), *((("  ", ""), (row, "")) for row in more)]
    margin = "  " if lines else ""
    lines += [((margin, ""), (row, "soft")) for row in _wrap(words.remedy)]
    return [*lines, ()] if lines else []


def _wrap(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, COLUMNS, break_on_hyphens=False)


def _to_try(words: Nobody) -> list[Paragraph]:
    question: list[Paragraph] = [((words.question, ""),)] if words.question else []
    return [*question, *_table(words.ways)]


def _table(ways: tuple[Way, ...]) -> list[Paragraph]:
    column = max((len(way.why) for way in ways), default=0) + 3
    return [((f"  {way.why:<{column}}", "soft"), (written(way), "accent")) for way in ways]
