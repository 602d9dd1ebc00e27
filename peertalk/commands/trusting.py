"""Being sure of people: the words of a room, symbols for two, and what is known of somebody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from peertalk import say
from peertalk.commands.actions import ShowEmoji, ShowWords
from peertalk.commands.finding import Arguments, pick, pick_several, room_of, title
from peertalk.commands.model import Asked, Context, Outcome, Way
from peertalk.core.events import Member, Peer, Room
from peertalk.i18n import _, ngettext
from peertalk.say.names import listed, told_apart

if TYPE_CHECKING:
    from peertalk.node.node import Node

_ALL: Final = re.compile(
    r"(?:all|everyone|everybody|alle)(?:\s*,?\s+(?:but|except|au(?:ß|ss)er)\s+(?P<but>.+))?", re.IGNORECASE
)


# ── a room ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def words(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """The words of the open room, in its language or another."""
    room = await room_of(node, {}, context)
    language = arguments.get("language")
    found = await node.words(room.id, language.casefold() if language else None)
    return Outcome(say.room_words(found, room, context.spelled), ShowWords(found, room))


async def ask_present(node: Node, arguments: Arguments, context: Context) -> Asked | None:
    """Once more who is meant: it is their keys that are trusted from then on."""
    room = await room_of(node, {}, context)
    people = await _present(node, room, arguments["people"])
    if not people:
        return None
    names = listed(told_apart(people, context.spelled, among=await node.members(room.id)))
    question = ngettext(
        "Did {names} have the same ten words as you, and is {names} really there? Then {names} is verified.",
        "Did {names} have the same ten words as you, and are all of them really there? Then they are verified.",
        len(people),
    ).format(names=names)
    return Asked(question, (Way(_("Yes"), "", {"room": room.id, "people": ",".join(each.id for each in people)}),))


async def present(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """They are there, and their words are the same: so they are verified."""
    room = await room_of(node, arguments, context)
    people = await _present(node, room, arguments["people"])
    if not people:
        return Outcome((_("Nobody else is in {room} whom you could be sure of.").format(room=title(room, context)),))
    return await verified(node, room, people, context)


async def verified(node: Node, room: Room, people: Sequence[Member], context: Context) -> Outcome:
    """What a front end does once these were ticked. RequestError as Node.verified."""
    await node.verified(room.id, [each.id for each in people])
    names = listed(told_apart(people, context.spelled, among=await node.members(room.id)))
    told = ngettext("{names} is verified now.", "{names} are verified now.", len(people))
    return Outcome((told.format(names=names),))


async def _present(node: Node, room: Room, line: str) -> list[Member]:
    """`Mira, Jonas`; `all`, who are linked in the room; `all but Sam`. RequestError unknown_peer, ambiguous_name."""
    others = [each for each in await node.members(room.id) if not each.me]
    everyone = _ALL.fullmatch(line.strip(" ."))
    if everyone is None or any(each.name.casefold() == line.strip().casefold() for each in others):
        return pick_several(others, line)
    out = {each.id for each in pick_several(others, everyone["but"])} if everyone["but"] else set()
    return [each for each in others if each.online and each.id not in out]


# ── two people ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def wait_verify(node: Node, arguments: Arguments, context: Context) -> tuple[str, Arguments]:
    """What the other one has to do."""
    people = await node.peers()
    peer = pick(people, arguments["peer"])
    (name,) = told_apart([peer], context.spelled, among=people)
    me = node.status().identity.name
    told = _("Waiting for {name} to type /verify {me} too … /cancel stops it.")
    return told.format(name=name, me=me), {"peer": peer.id}


async def verify(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Seven symbols, once the other one has asked for them too."""
    peer = pick(await node.peers(), arguments["peer"])
    emoji = await node.verify(peer.id)
    (name,) = told_apart([peer], context.spelled, among=await node.peers())
    return Outcome(say.symbols(emoji, name), ShowEmoji(emoji, peer))


async def same(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """All symbols are the same: so they are verified."""
    return await compared(node, pick(await node.peers(), arguments["peer"]), same=True, context=context)


async def different(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """They are not."""
    return await compared(node, pick(await node.peers(), arguments["peer"]), same=False, context=context)


async def compared(node: Node, peer: Peer, *, same: bool, context: Context) -> Outcome:
    """What is done once the person has said whether they are the same."""
    peer = await node.confirm(peer.id, same)
    (name,) = told_apart([peer], context.spelled, among=await node.peers())
    return Outcome(say.compared(name, same=same))


async def whois(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """What is known of somebody."""
    peer = pick(await node.peers(), arguments["peer"])
    shared = [room for room in await node.rooms() if room.id in peer.rooms]
    ties = {}
    for room in shared:
        tie = next((member for member in await node.members(room.id) if member.id == peer.id), None)
        if tie is not None:
            ties[title(room, context)] = tie
    return Outcome(say.whois(peer, ties, context.spelled))
