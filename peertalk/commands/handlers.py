"""What each command does, by nothing but the Node's public methods."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from peertalk import config, say, text
from peertalk.commands import privacy
from peertalk.commands.model import Context, Outcome, Quit, SetLanguage, SetTheme, ShowHelp, ShowOlder, ShowReport, SwitchRoom
from peertalk.core.events import Member, Peer, Room
from peertalk.errors import RequestError
from peertalk.i18n import _, ngettext

if TYPE_CHECKING:
    from peertalk.node.node import Node

Arguments = Mapping[str, str]


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
        return Outcome((room_line(await _room(node, arguments, context), context),))
    return Outcome(action=SwitchRoom((await node.room(arguments["room"])).id))


async def rooms(node: Node, _arguments: Arguments, context: Context) -> Outcome:
    """The rooms, one line each."""
    return Outcome(
        tuple(room_line(each, context) for each in await node.rooms()) or (_("You are in no room. /join NAME enters one."),)
    )


async def older(_node: Node, _arguments: Arguments, _context: Context) -> Outcome:
    """Back in the history of the room."""
    return Outcome(action=ShowOlder())


async def join(node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Enter an open room."""
    joined = await node.join(arguments["name"])
    told = _("You are in {room} now. Anyone on this network who knows the name can read along.").format(room=say.room(joined))
    return Outcome((told,), SwitchRoom(joined.id))


async def ask_leave(node: Node, arguments: Arguments, context: Context) -> tuple[str, str, Arguments]:
    """The question before leaving, about the room that is meant now."""
    chosen = await _room(node, arguments, context)
    question = _("Leave {room}? The others see that you left. What you wrote stays with them.").format(
        room=_title(chosen, context)
    )
    return question, _("Leave"), {"room": chosen.id}


async def leave(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Leave a room; then the first one that is left opens."""
    chosen = await _room(node, arguments, context)
    await node.leave(chosen.id)
    others = await node.rooms()
    told = (_("You left {room}.").format(room=_title(chosen, context)),)
    return Outcome(told, SwitchRoom(others[0].id) if others and chosen.id == context.room else None)


async def who(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """The people in a room, those who are here first."""
    chosen = await _room(node, arguments, context)
    people = sorted(
        await node.members(chosen.id), key=lambda member: (not (member.online or member.me), member.name.casefold())
    )
    count = ngettext("{n} person in {room}", "{n} people in {room}", len(people)).format(
        n=len(people), room=_title(chosen, context)
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
    peer = await node.block(pick(await node.peers(), arguments["peer"]).id)
    return Outcome(
        (_("You no longer see what {name} writes. /unblock {name} undoes this.").format(name=context.spelled(peer.name)),)
    )


async def unblock(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Unblock somebody."""
    peer = await node.unblock(pick(await node.peers(), arguments["peer"]).id)
    return Outcome((_("You see again what {name} writes.").format(name=context.spelled(peer.name)),))


async def theme(_node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Other colours."""
    return Outcome(action=SetTheme(arguments["theme"].casefold()))


async def lang(_node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Another language."""
    return Outcome(action=SetLanguage(arguments["language"].casefold()))


async def leave_program(_node: Node, _arguments: Arguments, _context: Context) -> Outcome:
    """Close PeerTalk."""
    return Outcome(action=Quit())


# ── finding what is meant, and saying what there is ──────────────────────────────────────────────────────────────────


async def _room(node: Node, arguments: Arguments, context: Context) -> Room:
    """The room that was named, or else the one that is open. RequestError `no_room` if there is neither."""
    wanted = arguments.get("room") or context.room
    if wanted is None:
        raise RequestError("no_room")
    return await node.room(wanted)


def pick(peers: list[Peer], wanted: str) -> Peer:
    """The one person meant by a name, a tag, both (`Sam · k3f`) or an id. RequestError `unknown_peer`, `ambiguous_name`."""
    key = _spelled(wanted)
    found = [peer for peer in peers if key in _spellings(peer)]
    if not found:
        raise RequestError("unknown_peer", peer=wanted)
    if len(found) > 1:
        raise RequestError(
            "ambiguous_name", name=found[0].name, candidates=tuple(f"{peer.name} · {peer.tag}" for peer in found)
        )
    return found[0]


def divide(peers: list[Peer], line: str) -> tuple[Peer, str]:
    """`Quiet Otter see you at 8` → (the peer Quiet Otter, the text): the longest beginning that means somebody."""
    known = {spelling for peer in peers for spelling in _spellings(peer)}
    ends = [found.start() for found in re.finditer(r"\s+|$", line)]
    end = next((end for end in reversed(ends) if _spelled(line[:end]) in known), ends[0])
    return pick(peers, line[:end]), line[end:].strip()


def _spelled(wanted: str) -> str:
    """A name as it is compared: as it is spoken, without @ or quotes, case, extra spaces, or spaces around the dot before a tag."""
    return " ".join(text.spoken(wanted.strip().removeprefix("@").strip("\"'“”„").casefold().replace("·", " ")).split())


def _spellings(peer: Peer) -> tuple[str, ...]:
    name, tag = _spelled(peer.name), peer.tag.casefold()
    return name, tag, f"{name} {tag}", peer.id


def room_line(each: Room, context: Context) -> str:
    """`#lobby: 3 here, 2 unread`."""
    here = ngettext("{n} here", "{n} here", each.online).format(n=each.online)
    unread = ngettext("{n} unread", "{n} unread", each.unread).format(n=each.unread)
    title = _title(each, context)
    return f"{title}: {here}, {unread}" if each.unread else f"{title}: {here}"


def member_line(member: Member, context: Context) -> str:
    """`Jonas · k3f9: here, verified`."""
    words = [_("you") if member.me else _("here") if member.online else _("away")]
    if member.trust == "verified" and not member.me:
        words.append(_("verified"))
    if member.via:
        words.append(_("known through {name}").format(name=context.spelled(member.via)))
    return f"{context.spelled(member.name)} · {member.tag}: {', '.join(words)}"


def _title(which: Room, context: Context) -> str:
    return say.room(which) if which.kind == "open" else context.spelled(which.name)
