"""What the empty page says: what is searched for and where, for how long already, and what to try. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from peertalk import say
from peertalk.commands import find, usage
from peertalk.core.events import Report, Room, Status
from peertalk.i18n import _, ngettext
from peertalk.tui.widgets.page import Paragraph

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk

PATIENCE = 5.0
"""Seconds without an answer after which it says what to try, whatever is known."""

COLUMNS = 64
"""How wide a sentence is here."""
MOST = 3
"""How many interfaces it names."""
_NOTHING_TO_SAY = ("well", "connecting")
_ADDRESS_HELPS = ("alone", "filtered", "search_off", "vpn", "multicast_blocked", "maybe_isolated")
_SAID_ABOVE = ("no_interface", "search_off")

Interfaces = Sequence[tuple[str, str]]


def page_lines(talk: Talk | None, seconds: float, report: Report | None = None) -> tuple[Paragraph, ...]:
    """What stands in place of a transcript after so many seconds; nothing where there is something to read. `report`: what the
    doctor found meanwhile."""
    if talk is None:
        return opening(seconds)
    if talk.room is None or talk.conversation is None:
        return () if talk.roster.rooms else no_room()
    if talk.conversation.timeline.items:
        return ()
    if talk.room.online > 1:
        return quiet(talk.room, talk.roster.title(talk.room))
    return nobody(talk.room, talk.node.status(), talk.node.interfaces(), seconds, report)


def is_lonely(talk: Talk | None) -> bool:
    """Whether this page is to help somebody who finds nobody at all, so that the doctor should look."""
    if talk is None or talk.room is None or talk.conversation is None or talk.conversation.timeline.items:
        return False
    return talk.room.kind != "direct" and talk.room.online < 2 and not talk.node.status().links


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
        return _partner_away(room)
    told = report if report is not None and _is_worth_telling(report.verdict, seconds) else None
    searching = _searching(status, interfaces, seconds, examined=told is not None)
    lines: list[Paragraph] = [((_first(room), "strong"),), (), *searching]
    if told is not None:
        lines += _found_out(told)
    if told is not None or seconds >= PATIENCE:
        lines += _to_try(status, interfaces, told.verdict if told is not None else None)
    return tuple(lines)


def _is_worth_telling(verdict: str, seconds: float) -> bool:
    """What is wrong is said as soon as it is known; that nobody answers, once somebody has had the time to."""
    return verdict not in say.doctor.WELL or (verdict not in _NOTHING_TO_SAY and seconds >= PATIENCE)


def quiet(room: Room, name: str) -> tuple[Paragraph, ...]:
    """Others are here, and nothing has been written yet."""
    if room.kind == "direct":
        return (((_("Nothing is written yet between you and {name}.").format(name=name), "soft"),),)
    return (((_("Nothing is written here yet. Say hello."), "soft"),),)


def _first(room: Room) -> str:
    if room.name == "lobby" and room.kind == "open":
        return _("You are the first one here.")
    return _("You are the only one in {room} right now.").format(room=say.room(room))


def _partner_away(room: Room) -> tuple[Paragraph, ...]:
    return (
        ((_("{name} is not here right now.").format(name=room.name), "strong"),),
        (),
        ((_("Write all the same: it waits here, and reaches them when you next meet on a network."), "soft"),),
    )


def _searching(status: Status, interfaces: Interfaces, seconds: float, *, examined: bool) -> list[Paragraph]:
    if not status.discovery.enabled:
        return [((_("Searching this network is switched off. Others can connect to you."), ""),), ()]
    if not interfaces:
        return [((_("This computer is in no network just now. As soon as it is, the search goes on."), "attention"),), ()]
    waited = f"({int(seconds)} s)"
    lead = _("Looking for people on")
    firsts = dict(reversed(interfaces))  # one address of each is enough to know it by
    first, *more = [f"{name}  {firsts[name]}" for name in dict.fromkeys(name for name, _address in interfaces)][:MOST]
    beside: list[Paragraph] = [((" " * (len(lead) + 2), ""), (each, "accent")) for each in more]
    return [
        ((f"{lead}  ", ""), (first, "accent"), (f"   {waited}", "soft")),
        *beside,
        *([] if examined else _answers(status, seconds)),
        (),
    ]


def _answers(status: Status, seconds: float) -> list[Paragraph]:
    seen = status.discovery.services_seen
    if seen:
        words = ngettext(
            "{n} other PeerTalk can be seen; reaching for it …", "{n} others can be seen; reaching for them …", seen
        )
        return [(("  ✓ ", "accent"), (words.format(n=seen), "soft"))]
    if seconds < PATIENCE:
        return []
    return [
        (("  ? ", "attention"), (_("Nobody has answered yet."), "soft")),
        (("    ", ""), (_("That is normal if you are the first."), "soft")),
    ]


def _found_out(report: Report) -> list[Paragraph]:
    """The doctor's verdict, and the first thing to do about it."""
    lines: list[Paragraph] = []
    if report.verdict not in _SAID_ABOVE:
        mark = "? " if report.verdict in say.doctor.WELL else "! "
        first, *more = _wrap(say.doctor.verdict(report))
        lines = [((mark, "attention"), (first, "")), *((("  ", ""), (row, "")) for row in more)]
    margin = "  " if lines else ""
    lines += [((margin, ""), (row, "soft")) for advice in say.doctor.advice(report)[:1] for row in _wrap(advice)]
    return [*lines, ()]


def _wrap(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, COLUMNS, break_on_hyphens=False)


def _to_try(status: Status, interfaces: Interfaces, verdict: str | None) -> list[Paragraph]:
    connect, doctor = find("connect"), find("doctor")
    if connect is None or doctor is None:
        return []
    more = (_("All that was looked at:"), usage(doctor))
    if verdict is not None and verdict not in _ADDRESS_HELPS:
        return _table([more])
    ways = [(_("You can connect to them:"), usage(connect))]
    port = status.listening[0].port if status.listening else 0
    if interfaces and port:
        ways.append((_("or they to you:"), f"/{connect.name} {say.address(interfaces[0][1], port)}"))
    return [((_("Others are here, but don't show up?"), ""),), *_table([*ways, more])]


def _table(rows: list[tuple[str, str]]) -> list[Paragraph]:
    column = max(len(label) for label, _written in rows) + 3
    return [((f"  {label:<{column}}", "soft"), (written, "accent")) for label, written in rows]
