"""The door of a room: closing it, opening it, letting one person in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peertalk.commands.finding import Arguments, pick, room_of, title
from peertalk.commands.model import Context, Outcome
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.node.node import Node


async def seal(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Close the room: who is a member now stays in, nobody else comes in."""
    room = await node.seal((await room_of(node, arguments, context)).id)
    told = _("{room} is closed now: who is a member is in, nobody else comes in, with or without a code.")
    more = _("/admit PERSON lets one person in, /open opens it for all.")
    return Outcome((told.format(room=title(room, context)), more))


async def unseal(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Open it again."""
    room = await node.unseal((await room_of(node, arguments, context)).id)
    return Outcome((_("{room} is open again: whoever is invited can come in.").format(room=title(room, context)),))


async def admit(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Let one more person into the closed room that is open here."""
    room = await room_of(node, {}, context)
    known = {each.id: each for each in [*room.waiting, *await node.peers()]}
    peer = pick(list(known.values()), arguments["peer"])
    room = await node.admit(room.id, peer.id)
    told = _("{name} may come in now. {room} stays closed for all others.")
    return Outcome((told.format(name=context.spelled(peer.name), room=title(room, context)),))
