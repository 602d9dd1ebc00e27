"""What each command does, by nothing but the Node's public methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peertalk import config, say
from peertalk.commands import privacy
from peertalk.commands.actions import Quit, SetLanguage, SetTheme, ShowHelp, ShowOlder, ShowReport, SwitchRoom
from peertalk.commands.finding import Arguments, divide, member_line, pick, room_line, room_of, rooms_apart, title
from peertalk.commands.model import Asked, Context, Outcome, Way
from peertalk.errors import RequestError
from peertalk.i18n import _, ngettext
from peertalk.say.names import told_apart

if TYPE_CHECKING:
    from peertalk.node.node import Node


async def show_help(_node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """All commands and keys, one command, or what others can see."""
    from peertalk.commands import reading, table  # noqa: PLC0415 (the table names this function)

    word = arguments.get("command", "").removeprefix("/")
    if word.casefold() in privacy.WORDS.values():
        return Outcome(privacy.lines(), ShowHelp(privacy.TOPIC))
    command = table.find(word) if word else None
    if word and command is None:
        raise RequestError("unknown_command", command="/" + word, suggestions=reading.suggestions(word))
    return Outcome(table.help_lines(command), ShowHelp(command.id if command else None))


async def message(node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Open the direct room with somebody, and send what else was written there."""
    peer, written = divide(await node.peers(), arguments["peer"])
    room = await node.open_direct(peer.id)
    if written:
        await node.send(room.id, written)
    return Outcome(action=SwitchRoom(room.id))


async def room(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Switch to a room, by its name or the person's; without one, say which is open."""
    if "room" not in arguments:
        return Outcome((room_line(await room_of(node, arguments, context), context),))
    return Outcome(action=SwitchRoom((await node.room(arguments["room"])).id))


async def ask_room(node: Node, arguments: Arguments, context: Context) -> Asked | None:
    """Which, where several are called so: one that was started anew, say, and the one before it."""
    wanted = arguments.get("room", "").removeprefix("#").casefold()
    found = [each for each in await node.rooms() if each.name.casefold() == wanted and each.kind != "direct"]
    if len(found) < 2:
        return None
    found.sort(key=lambda each: each.archived)
    only_read = _("It has been started anew, and is only read any more.")
    ways = tuple(Way(room_line(each, context), only_read if each.archived else "", {"room": each.id}) for each in found)
    return Asked(_("Which one?"), ways)


async def rooms(node: Node, _arguments: Arguments, context: Context) -> Outcome:
    """The rooms, one line each."""
    found = await node.rooms()
    names = rooms_apart(found, await node.peers(), context)
    lines = tuple(room_line(each, context, name) for each, name in zip(found, names, strict=True))
    return Outcome(lines or (_("You are in no room. /join NAME enters one."),))


async def older(_node: Node, _arguments: Arguments, _context: Context) -> Outcome:
    """Back in the history of the room."""
    return Outcome(action=ShowOlder())


async def join(node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Enter an open room."""
    joined = await node.join(arguments["name"])
    told = _("You are in {room} now. Anyone on this network who knows the name can read along.").format(room=say.room(joined))
    return Outcome((told,), SwitchRoom(joined.id))


async def who(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """The people in a room, those who are here first."""
    chosen = await room_of(node, arguments, context)
    people = sorted(
        await node.members(chosen.id), key=lambda member: (not (member.online or member.me), member.name.casefold())
    )
    count = ngettext("{n} person in {room}", "{n} people in {room}", len(people)).format(
        n=len(people), room=title(chosen, context)
    )
    return Outcome((count, *(member_line(member, context) for member in people)))


async def nick(node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Change one's name."""
    identity = await node.set_name(arguments["name"])
    return Outcome((_("You are called {name} now.").format(name=identity.name),))


async def connect(node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Dial an address."""
    host, port = config.parse_address(arguments["address"])
    await node.connect(host, port)
    return Outcome((_("Connected to {address}.").format(address=say.address(host, port)),))


async def doctor(node: Node, _arguments: Arguments, _context: Context) -> Outcome:
    """Examine the network, which takes a few seconds."""
    report = await node.doctor()
    return Outcome(say.doctor.lines(report), ShowReport(report))


async def block(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Block somebody."""
    people = await node.peers()
    peer = await node.block(pick(people, arguments["peer"]).id)
    (name,) = told_apart([peer], context.spelled, among=people)
    return Outcome((_("You no longer see what {name} writes. /unblock {name} undoes this.").format(name=name),))


async def unblock(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Unblock somebody."""
    people = await node.peers()
    peer = await node.unblock(pick(people, arguments["peer"]).id)
    (name,) = told_apart([peer], context.spelled, among=people)
    return Outcome((_("You see again what {name} writes.").format(name=name),))


async def theme(_node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Other colours."""
    return Outcome(action=SetTheme(arguments["theme"].casefold()))


async def lang(_node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Another language."""
    return Outcome(action=SetLanguage(arguments["language"].casefold()))


async def leave_program(_node: Node, _arguments: Arguments, _context: Context) -> Outcome:
    """Close PeerTalk."""
    return Outcome(action=Quit())
