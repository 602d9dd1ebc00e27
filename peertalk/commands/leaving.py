"""Going out of a room, and ending a meeting: both ask first, since not all of it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peertalk import say
from peertalk.commands.actions import SwitchRoom
from peertalk.commands.finding import Arguments, room_of, title
from peertalk.commands.model import Asked, Context, Outcome, Way
from peertalk.core.events import Room
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.node.node import Node


async def ask_leave(node: Node, arguments: Arguments, context: Context) -> Asked:
    """The question before leaving, about the room that is meant now."""
    room = await room_of(node, arguments, context)
    question = _("Leave {room}? The others see that you left. What you wrote stays with them.").format(
        room=title(room, context)
    )
    leave = Way(_("Leave"), "", {"room": room.id})
    if room.kind != "private":
        return Asked(question, (leave,))
    forget = Way(
        _("Leave and forget it"), _("What was said there is erased on this computer."), {"room": room.id, "forget": "yes"}
    )
    if room.retention == "session":
        return Asked(f"{question} {_('Here nothing of it is kept.')}", (leave,))
    keep = Way(_("Leave, and keep what was said"), _("You find it here again if somebody invites you anew."), leave.arguments)
    return Asked(question, (keep, forget))


async def leave(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Leave a room; then the first one that is left opens."""
    room = await room_of(node, arguments, context)
    forget = "forget" in arguments
    await node.leave(room.id, forget=forget)
    name = title(room, context)
    told = _("You left {room}. What was said there is erased here.") if forget else _("You left {room}.")
    return Outcome((told.format(room=name),), await _elsewhere(node, room, context))


async def ask_end(node: Node, arguments: Arguments, context: Context) -> Asked:
    """The question before ending a meeting."""
    room = await room_of(node, arguments, context)
    if room.retention == "session":
        told = _("End the meeting in {room}? Everything said there is gone from this computer then. The others are told.")
    else:
        told = _("End the meeting in {room}? You go; what was said stays as the room keeps it. The others are told.")
    return Asked(told.format(room=title(room, context)), (Way(_("End it"), "", {"room": room.id}),))


async def end(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """End the meeting for oneself, and say what stays."""
    room = await room_of(node, arguments, context)
    ended = await node.end(room.id)
    told = _("The meeting in {room} is over for you.").format(room=title(room, context))
    still = any(each.id == room.id for each in await node.rooms())
    return Outcome((told, *say.ended(ended)), None if still else await _elsewhere(node, room, context))


async def _elsewhere(node: Node, room: Room, context: Context) -> SwitchRoom | None:
    """To the first room that is left, if the one that was open is gone."""
    others = await node.rooms()
    return SwitchRoom(others[0].id) if others and room.id == context.room else None
