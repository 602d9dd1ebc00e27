"""The sheet of an invitation: the code, how long it lets in whom, and who came. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from peertalk import text
from peertalk.commands import find
from peertalk.commands.questions import Choice
from peertalk.core import events
from peertalk.core.events import AnyEvent, Invite, Room
from peertalk.i18n import N_, _, ngettext
from peertalk.say.names import within
from peertalk.tui.widgets.page import Paragraph

MANY = 20
"""People that "more people" stands for: a workshop."""


@dataclass(frozen=True, slots=True)
class Door:
    """An invitation and what became of it: `came` are names as they stand within sentences, `dead` why it lets nobody in any more,
    `copied` whether its link was wanted, `trouble` what the node said."""

    invite: Invite
    room: Room
    came: tuple[str, ...] = ()
    dead: str = ""
    copied: bool = False
    trouble: str = ""


_DEAD = {
    "expired": N_("The time of this code is over: it lets nobody in any more."),
    "used_up": N_("This code has let in everyone it was for."),
    "guessed": N_(
        "Too many wrong words were tried: the words let nobody in any more, the link still does. Nobody came in by guessing."
    ),
    "sealed": N_("The door of the room was closed: no code lets anybody in until it is opened."),
    "cancelled": N_("This code was taken back: it lets nobody in any more."),
}


def lines(door: Door, now: int) -> tuple[Paragraph, ...]:
    """All that it says; `now` in Unix ms."""
    over = ((_("An invitation into {room}").format(room=(text.spoken(door.room.name) or door.room.name)), "soft"),)
    body = _dead(door) if door.dead else _alive(door, now)
    return (over, (), *body, *_came(door), *_linked(door), *_trouble(door))


def follow(door: Door, event: AnyEvent) -> Door:
    """What an event of the node means for an invitation."""
    match event:
        case events.InviteUsed(code=door.invite.code, peer=peer):
            came = (*door.came, within(peer.name, peer.tag))
            return replace(door, came=came, invite=msgspec.structs.replace(door.invite, used=door.invite.used + 1))
        case events.InviteDead(code=door.invite.code, reason=reason):
            return replace(door, dead=reason)
        case _:
            return door


def title(code: str) -> str:
    """The code as it is said: `7   guitar   meadow   comet`."""
    return "   ".join(code.split("-"))


def choices(door: Door) -> tuple[Choice, ...]:
    """What can be done with it."""
    if door.dead == "sealed":
        return (Choice("close", _("close")),)
    if door.dead == "guessed":
        return Choice("fresh", _("a fresh code")), Choice("copy", _("copy link")), Choice("close", _("close"))
    if door.dead:
        return (Choice("fresh", _("a fresh code")), Choice("close", _("close")))
    more = Choice("more", _("more people")) if door.invite.uses == 1 else Choice("one", _("one person"))
    return Choice("copy", _("copy link")), more, Choice("cancel", _("take it back")), Choice("close", _("close"))


def countdown(left: int) -> str:
    """`9:41` of so many ms."""
    seconds = max(0, -(-left // 1000))
    return f"{seconds // 60}:{seconds % 60:02}"


def _alive(door: Door, now: int) -> list[Paragraph]:
    invite = door.invite
    left = invite.uses - invite.used
    time = countdown(invite.expires_at - now)
    works = ngettext(
        "It works once, for the next {time} minutes.", "It works for {n} people, for the next {time} minutes.", left
    )
    return [
        ((_("Say this to the person you want to let in:") if left == 1 else _("Say this to those you want to let in:"), ""),),
        (),
        ((f"    {title(invite.code)}", "code"),),
        (),
        ((works.format(n=left, time=time), ""),),
        ((_("They type") + "  ", "soft"), (_typed(invite.code), "accent")),
        ((_("Whoever comes in also reads what was before."), "soft"),),
    ]


def _typed(code: str) -> str:
    """`/accept 7 guitar meadow comet`, as it is typed in the person's language."""
    command = find("accept")
    return " ".join([f"/{command.name}" if command is not None else "/accept", *code.split("-")])


def _dead(door: Door) -> list[Paragraph]:
    words = _(_DEAD[door.dead]) if door.dead in _DEAD else _("This code lets nobody in any more.")
    style = "attention" if door.dead == "guessed" else ""
    return [((words, style),)]


def _came(door: Door) -> list[Paragraph]:
    rows = [_("✓ {name} came in by it.").format(name=name) for name in door.came]
    return [(), *(((row, "accent"),) for row in rows)] if rows else []


def _linked(door: Door) -> list[Paragraph]:
    if not door.copied or door.dead not in ("", "guessed"):
        return []
    told = _("The link is in the clipboard, if your terminal allows that. Whoever has it can come in:")
    return [(), ((told, "soft"),), ((door.invite.link, ""),)]


def _trouble(door: Door) -> list[Paragraph]:
    return [(), ((door.trouble, "attention"),)] if door.trouble else []
