"""What header, status line and key bar say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from peertalk import say, text
from peertalk.commands import Binding, key_name
from peertalk.core.events import Room
from peertalk.i18n import N_, _, ngettext
from peertalk.say.roster import Roster
from peertalk.tui import standing
from peertalk.tui.sides import HERE
from peertalk.tui.widgets.bar import Part

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk

Parts = tuple[Part, ...]


def header(talk: Talk | None, narrow: bool) -> tuple[Parts, Parts]:
    """Which room this is, and who is here."""
    name = Part("peertalk", "soft")
    room = talk.room if talk is not None else None
    if talk is None or room is None:
        return (name,), ()
    title = Part(talk.roster.title(room), "strong")
    right = (
        []
        if room.outside
        else [Part(_presence(talk.roster, room), "accent" if room.online > 1 else "soft", "screen.toggle_members")]
    )
    right += standing.marks(talk.roster, room)
    if narrow:
        right += _unread_elsewhere(talk.roster, room)
    return (title,) if narrow else (name, title), tuple(right)


def _unread_elsewhere(roster: Roster, room: Room) -> list[Part]:
    count = sum(other.unread for other in roster.unread_elsewhere(room.id))
    words = ngettext("{n} unread elsewhere", "{n} unread elsewhere", count).format(n=count)
    return [Part(words, "accent", "screen.next_unread")] if count else []


def _presence(roster: Roster, room: Room) -> str:
    partner = roster.partner(room)
    if room.kind == "direct":
        here = partner.online if partner is not None else room.online > 1
        return f"{HERE} {_('here')}" if here else f"○ {_('away')}"
    return f"{HERE} {ngettext('{n} here', '{n} here', room.online).format(n=room.online)}"


def status(talk: Talk | None, hint: str, below: int, now: float, idle: Part | None = None) -> tuple[Parts, Parts]:
    """What goes on just now: a hint about what was typed, else who is writing, else what is to be said when nothing happens (`idle`);
    the way to the newest; the last own message."""
    if talk is None or talk.room is None:
        return (Part(hint, "text"),), ()
    writing = Part(_writing(talk.roster.writing(talk.room.id, now)), "soft")
    left = Part(hint, "text") if hint else writing if writing.text or idle is None else idle
    right: list[Part] = []
    if below:
        right.append(Part("↓ " + ngettext("{n} new", "{n} new", below).format(n=below), "accent", "screen.newest"))
    if talk.sync is not None:
        right.append(Part(say.event(talk.sync) or "", "soft"))
    if delivery := talk.delivery():
        right.append(Part(delivery, "soft"))
    return (left,), tuple(right)


def choices(offered: Sequence[str], chosen: int) -> str:
    """What Tab offers, the one in place in brackets; nothing where there is only one."""
    words = [choice.strip().rpartition(" ")[2] for choice in offered]
    return "   ".join(f"[{word}]" if number == chosen else word for number, word in enumerate(words)) if len(words) > 1 else ""


def placeholder(talk: Talk | None) -> str:
    """What stands in an empty composer."""
    return "" if talk is None or talk.room is None else standing.placeholder(talk.roster, talk.room)


def _writing(names: Sequence[str]) -> str:
    names = [text.spoken(name) or name for name in names]
    if not names:
        return ""
    if len(names) == 1:
        return _("{name} is writing …").format(name=names[0])
    if len(names) == 2:
        return _("{one} and {other} are writing …").format(one=names[0], other=names[1])
    return _("several people are writing …")


def key_bar(bindings: Iterable[Binding], talk: Talk | None, narrow: bool) -> tuple[Parts, Parts]:
    """The keys worth knowing, and who can read what is written here: that has to fit in any case."""
    keys = tuple(
        Part(f"{key_name(binding.keys[0])} {_(_SHORT[binding.id])}", "soft", f"screen.{binding.action}")
        for binding in bindings
        if binding.footer and binding.id in _SHORT
    )
    keys = keys[: 2 if narrow else None]
    if talk is None or talk.room is None:
        return keys, ()
    return keys, (standing.readers(talk.roster, talk.room, narrow=narrow),)


_SHORT = {"palette": N_("anything"), "help": N_("help"), "members": N_("members")}
