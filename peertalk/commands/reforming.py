"""Starting a room anew without somebody, and what becomes of it when others do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peertalk import say
from peertalk.commands.actions import ShowOffer, SwitchRoom
from peertalk.commands.finding import Arguments, pick, pick_several, room_of, title
from peertalk.commands.model import Asked, Context, Outcome, Way
from peertalk.core.events import Member, Offer, Room
from peertalk.errors import RequestError
from peertalk.i18n import _, ngettext
from peertalk.say.names import listed

if TYPE_CHECKING:
    from peertalk.node.node import Node


async def ask_reform(node: Node, arguments: Arguments, context: Context) -> Asked:
    """What it does, before it is done. RequestError refused for a room that cannot be re-formed."""
    room = await room_of(node, {}, context)
    if room.kind != "private":
        raise RequestError("refused", why="not_private")
    out = await _left_out(node, room, arguments["people"])
    names = listed([context.spelled(each.name) for each in out])
    question = " ".join(
        [
            _("Start {room} anew without {names}?").format(room=title(room, context), names=names),
            _("The others are asked, and each decides alone whether to come along. It cannot be undone."),
            ngettext(
                "{names} is told nothing by PeerTalk, but sees you leave, and keeps what was said so far.",
                "{names} are told nothing by PeerTalk, but see you leave, and keep what was said so far.",
                len(out),
            ).format(names=names),
            *(await _still_shared(node, room, out, context)),
        ]
    )
    ids = ",".join(each.id for each in out)
    return Asked(question, (Way(_("Start anew"), "", {"room": room.id, "people": ids}),))


async def _left_out(node: Node, room: Room, line: str) -> list[Member]:
    members = await node.members(room.id)
    out = pick_several(members, line)
    if any(each.me for each in out):
        raise RequestError("refused", why="self")
    return out


async def _still_shared(node: Node, room: Room, out: Sequence[Member], context: Context) -> list[str]:
    """Where they still meet one."""
    gone = {each.id for each in out}
    rooms = {id for peer in await node.peers() if peer.id in gone for id in peer.rooms}
    names = [title(each, context) for each in await node.rooms() if each.id in rooms and each.id != room.id]
    return [_("You still meet in: {rooms}.").format(rooms=", ".join(names))] if names else []


async def reform(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Start the room anew without them, and open the new one."""
    old = await room_of(node, arguments, context)
    out = await _left_out(node, old, arguments["people"])
    room = await node.reform(old.id, [each.id for each in out])
    told = _("This is {room} without {names}. Who comes along is told here. The old room stays to be read, until you leave it.")
    names = listed([context.spelled(each.name) for each in out])
    return Outcome((told.format(room=title(room, context), names=names),), SwitchRoom(room.id))


# ── when somebody else did ───────────────────────────────────────────────────────────────────────────────────────────


async def offers(node: Node, _arguments: Arguments, context: Context) -> Outcome:
    """What is open; a single one is shown."""
    found = await node.offers()
    if not found:
        return Outcome((_("Nobody asks you to come along to a room started anew."),))
    lines = tuple(line for offer in found for line in say.offer(offer, context.spelled))
    return Outcome(lines, ShowOffer(found[0]) if len(found) == 1 else None)


async def ask_follow(node: Node, arguments: Arguments, context: Context) -> Asked | None:
    """Which, where there are several and nobody was named."""
    return _which(_("Come along to which one?"), await _meant(node, arguments, context), context)


async def ask_decline(node: Node, arguments: Arguments, context: Context) -> Asked | None:
    """As above."""
    return _which(_("Stay, and decline which one?"), await _meant(node, arguments, context), context)


async def follow(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Come along."""
    offer = (await _meant(node, arguments, context))[0]
    room = await node.follow(offer.offer)
    told = _("You came along: this is {room} without {names}. The old room stays to be read, until you leave it.")
    names = listed([context.spelled(peer.name) for peer in offer.without])
    return Outcome((told.format(room=title(room, context), names=names),), SwitchRoom(room.id))


async def decline(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Stay. Nobody is told."""
    offer = (await _meant(node, arguments, context))[0]
    await node.decline(offer.offer)
    return Outcome((_("You stay in {room}. Nobody is told that you were asked.").format(room=context.spelled(offer.name)),))


async def _meant(node: Node, arguments: Arguments, context: Context) -> list[Offer]:
    """The offer that is meant, first those of the open room; several where it is not clear. RequestError unknown_offer."""
    found = await node.offers()
    if "offer" in arguments:
        found = [each for each in found if each.offer == arguments["offer"]]
    elif "peer" in arguments:
        by = pick(list({each.by.id: each.by for each in found}.values()), arguments["peer"])
        found = [each for each in found if each.by.id == by.id]
    else:
        found = [each for each in found if each.room == context.room] or found
    if not found:
        raise RequestError("unknown_offer")
    return found


def _which(question: str, found: Sequence[Offer], context: Context) -> Asked | None:
    if len(found) == 1:
        return None
    ways = tuple(Way(say.offer(each, context.spelled)[0], "", {"offer": each.offer}) for each in found)
    return Asked(question, ways)
