"""How things stand in a room: who can read it, whom one can be sure of, whether its door is closed, what waits for an answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from peertalk import say, text
from peertalk.core.events import IdentityView, Room
from peertalk.i18n import _, ngettext
from peertalk.say.names import listed, within
from peertalk.say.roster import Roster
from peertalk.tui.sheets.inviting import countdown
from peertalk.tui.widgets.bar import GAP, Part
from peertalk.tui.wrap import fit

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk

FEW = 2
NARROW, WIDE = 42, 54
"""So many are named, and so many columns may that take; beyond that only the number is said."""


def marks(roster: Roster, room: Room) -> list[Part]:
    """What the header says beside who is here."""
    if room.archived:
        return [Part(_("only to be read"), "soft")]
    if room.outside:
        return [Part(_("the door is closed"), "attention")]
    parts = [Part(_("door closed"), "soft")] if room.sealed else []
    if room.retention == "session":
        parts.append(Part(_("off the record"), "soft"))
    return [*parts, *(_words(roster, room) if room.kind == "private" else [])]


def _words(roster: Roster, room: Room) -> list[Part]:
    people = roster.among(room)
    if not people:
        return []
    if all(peer.trust == "verified" for peer in people):
        return [Part(_("✓ all verified"), "soft", "screen.words")]
    return [Part(_("words: compare"), "accent", "screen.words")]


def readers(roster: Roster, room: Room, *, narrow: bool) -> Part:
    """Who can read what is written here, or how sure one can be of them; short enough to stand beside the keys."""
    if room.archived:
        return Part(_("nothing is written here any more"), "soft")
    people = roster.among(room)
    if room.kind == "direct" and any(peer.trust == "verified" for peer in people):
        return Part(_("verified: only the two of you can read this"), "soft")
    if room.kind != "private" or room.outside:
        return Part(say.readers(room), "soft")
    here = [peer for peer in people if peer.online]
    unsure = [peer for peer in here if peer.trust != "verified"]
    if here and not unsure:
        return Part(_("everyone here is verified"), "soft")
    if len(unsure) == len(here):
        return Part(say.readers(room), "soft")
    names = listed([within(roster.called(peer), peer.tag) for peer in unsure])
    told = _("everyone here is verified but {names}").format(names=names)
    if len(unsure) > FEW or cell_len(told) > (NARROW if narrow else WIDE):
        told = _("{n} of {all} here are verified").format(n=len(here) - len(unsure), all=len(here))
    return Part(told, "soft")


def placeholder(roster: Roster, room: Room) -> str:
    """What stands in an empty composer."""
    if room.archived:
        return _("This room was started anew: here it is only read. /leave puts it away.")
    if room.outside:
        return _("The door is closed. Somebody inside can let you in.")
    return _("Write to {room}").format(room=roster.title(room))


def asks(talk: Talk | None, key: str, width: int) -> tuple[Part, ...]:
    """The line above the composer, where somebody waits for an answer; nothing otherwise. `key` opens it: that has to fit in any
    case."""
    if talk is None:
        return ()
    waiting = [
        *map(_call, _callers(talk)),
        *(_offer(talk.roster, offer.name, offer.by, offer.without) for offer in talk.offers),
    ]
    if not waiting:
        return ()
    more = ngettext("and {n} more", "and {n} more", len(waiting) - 1).format(n=len(waiting) - 1) if len(waiting) > 1 else ""
    opens = Part(_("{key} opens it").format(key=key), "accent", "screen.answer")
    rest = [opens, *([Part(more, "soft")] if more else [])]
    room = width - sum(cell_len(part.text) + GAP for part in rest)
    return (Part(fit(waiting[0], room), "attention"), *rest)


def code_out(talk: Talk, key: str, wall: int) -> Part | None:
    """That a code into the open room is alive, which a closed sheet no longer shows; `wall` in Unix ms, `key` shows it."""
    alive = talk.node.invites(talk.room.id) if talk.room is not None and talk.room.kind == "private" else []
    if not alive:
        return None
    left = countdown(alive[-1].expires_at - wall)
    told = _("a code is out: {time} left   {key} shows it")
    if alive[-1].uses > 1:
        told = _("a code is out: {used} of {uses} came, {time} left   {key} shows it")
    return Part(told.format(used=alive[-1].used, uses=alive[-1].uses, time=left, key=key), "soft", "screen.invite")


def _callers(talk: Talk) -> list[str]:
    return [within(talk.roster.called(peer), peer.tag) for peer in talk.callers.values()]


def _call(name: str) -> str:
    return _("{name} wants to compare symbols with you").format(name=name)


def _offer(roster: Roster, room: str, by: IdentityView, without: Sequence[IdentityView]) -> str:
    names = listed([within(roster.called(peer), peer.tag) for peer in without])
    told = _("{by} has started {room} anew without {names}.")
    return told.format(by=within(roster.called(by), by.tag), room=text.spoken(room) or room, names=names).rstrip(".")
