"""The rows of the left column, of its narrow strip, and of the members. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rich.cells import chop_cells

from peertalk.core.events import Member, Peer, Room
from peertalk.i18n import _
from peertalk.say.roster import Roster
from peertalk.text import spoken
from peertalk.tui.widgets.listing import Row

HERE, AWAY = "●", "○"
VERIFIED, LOOK = "✓", "!"
OPEN, PRIVATE, ARCHIVED, CURRENT = "#", "◆", "◇", "▸"
MANY = 99
TEN = 10


def side_rows(roster: Roster, current: str | None) -> list[Row]:
    """Rooms, rooms of two, and the people who are here."""
    rows = [_heading(_("Rooms")), *(_room(roster, room, current) for room in roster.group_rooms())]
    direct = roster.direct_rooms()
    if direct:
        rows += [Row(), _heading(_("Direct")), *(_direct(roster, room, current) for room in direct)]
    here = roster.here()
    if here:
        rows += [Row(), _heading(_("People here")), *(_person(roster, peer) for peer in here)]
    return rows


def strip_rows(roster: Roster, current: str | None) -> list[Row]:
    """The same in eight columns: a mark, two letters, and how much is unread."""
    rows = [_short(_room(roster, room, current), room.name, room.unread) for room in roster.group_rooms()]
    direct = [_short(_direct(roster, room, current), room.name, room.unread) for room in roster.direct_rooms()]
    here = [_short(_person(roster, peer), peer.name) for peer in roster.here()]
    return [*rows, *_after_gap(direct), *_after_gap(here)]


def member_rows(roster: Roster, members: Iterable[Member]) -> list[Row]:
    """The people of a room: who is here, then who is away."""
    ordered = sorted(members, key=lambda member: (not member.me, member.name.casefold(), member.id))
    here = [row for member in ordered if member.online or member.me for row in _member(roster, member)]
    away = [row for member in ordered if not (member.online or member.me) for row in _member(roster, member)]
    return [_heading(_("In this room")), *here, *([Row(), _heading(_("Away")), *away] if away else [])]


def _heading(text: str) -> Row:
    return Row(text=text.upper(), style="heading")


def _after_gap(rows: list[Row]) -> list[Row]:
    return [Row(), *rows] if rows else []


def _unread(room: Room) -> str:
    return "" if not room.unread else str(room.unread) if room.unread <= MANY else f"{MANY}+"


def _room(roster: Roster, room: Room, current: str | None) -> Row:
    mark = OPEN if room.kind == "open" else ARCHIVED if room.archived or room.outside else PRIVATE
    quiet = "soft" if room.archived or room.outside else "row"
    name = room.name if room.kind == "open" else roster.title(room)
    return Row(
        text=name,
        style="strong" if room.unread else quiet,
        mark=mark,
        tail=_unread(room),
        tail_style="accent",
        current=room.id == current,
        target=("room", room.id),
    )


def _direct(roster: Roster, room: Room, current: str | None) -> Row:
    partner = roster.partner(room)
    online = partner.online if partner is not None else room.online > 1
    tail, tail_style = _trust(roster, partner) if not room.unread else (_unread(room), "accent")
    return Row(
        text=roster.title(room),
        style="strong" if room.unread else "row",
        mark=HERE if online else AWAY,
        mark_style="here" if online else "soft",
        tail=tail,
        tail_style=tail_style,
        current=room.id == current,
        target=("room", room.id),
    )


def _person(roster: Roster, peer: Peer) -> Row:
    tail, tail_style = _trust(roster, peer)
    return Row(
        text=roster.called(peer),
        mark=HERE if peer.online else AWAY,
        mark_style="here" if peer.online else "soft",
        tail=tail,
        tail_style=tail_style,
        target=("peer", peer.id),
    )


def _member(roster: Roster, member: Member) -> list[Row]:
    """Somebody, and in small how they came to be here."""
    tie = ""
    if member.via:
        tie = _("known through {name}").format(name=spoken(member.via) or "…")
    elif member.invited_by:
        tie = _("invited by {name}").format(name=spoken(member.invited_by) or "…")
    return [_person_of(roster, member), *([Row(text=f"  {tie}", style="soft")] if tie else [])]


def _person_of(roster: Roster, member: Member) -> Row:
    here = member.online or member.me
    name = _("{name} (you)").format(name=member.name) if member.me else roster.called(member)
    tail, tail_style = ("", "soft") if member.me else _trust(roster, member)
    return Row(
        text=name,
        style="row" if here else "soft",
        mark=HERE if here else AWAY,
        mark_style="here" if here else "soft",
        tail=tail,
        tail_style=tail_style,
        target=None if member.me else ("peer", member.id),
    )


def _trust(roster: Roster, somebody: Peer | Member | None) -> tuple[str, str]:
    if somebody is None:
        return "", "soft"
    if somebody.trust == "verified":
        return VERIFIED, "accent"
    return (LOOK, "attention") if roster.is_doubtful(somebody) else ("", "soft")


def _short(row: Row, name: str, unread: int = 0) -> Row:
    """A row of the strip."""
    letters = chop_cells(name, 2)[0] if name else ""
    tail = "" if not unread else str(unread) if unread < TEN else "+"
    return replace(row, text=letters, tail=tail, tail_style="accent")
