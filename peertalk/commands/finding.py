"""Finding what is meant, the room and the people, and saying what there is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from peertalk import say, text
from peertalk.commands.model import Context
from peertalk.core.events import IdentityView, Member, Peer, Room
from peertalk.errors import RequestError
from peertalk.i18n import _, ngettext

if TYPE_CHECKING:
    from peertalk.node.node import Node

Arguments = Mapping[str, str]
Somebody = TypeVar("Somebody", bound=IdentityView)
_BETWEEN: Final = re.compile(r"\s*,\s*|\s+(?:and|und|&)\s+")


async def room_of(node: Node, arguments: Arguments, context: Context) -> Room:
    """The room that was named, or else the one that is open. RequestError `no_room` if there is neither."""
    wanted = arguments.get("room") or context.room
    if wanted is None:
        raise RequestError("no_room")
    return await node.room(wanted)


def pick(peers: Sequence[Somebody], wanted: str) -> Somebody:
    """The one person meant by a name, a tag, both (`Sam · k3f`) or an id. RequestError `unknown_peer`, `ambiguous_name`."""
    return text.pick(wanted, peers)


def pick_several(people: Sequence[Somebody], line: str) -> list[Somebody]:
    """`Mira, Quiet Otter and Sam` → those three, each once; a name may have a comma in it, where it is the only one. RequestError as
    `pick`."""
    known = {spelling for each in people for spelling in text.spellings(each)}
    parts = [line] if text.compared(line) in known else [part for part in _BETWEEN.split(line.strip(" ,")) if part]
    return list({found.id: found for found in (pick(people, part) for part in parts)}.values())


def divide(peers: Sequence[Somebody], line: str) -> tuple[Somebody, str]:
    """`Quiet Otter see you at 8` → (the peer Quiet Otter, the text): the longest beginning that means somebody."""
    known = {spelling for peer in peers for spelling in text.spellings(peer)}
    ends = [found.start() for found in re.finditer(r"\s+|$", line)]
    end = next((end for end in reversed(ends) if text.compared(line[:end]) in known), ends[0])
    return pick(peers, line[:end]), line[end:].strip()


def room_line(each: Room, context: Context, called: str = "") -> str:
    """`#lobby: 3 here, 2 unread`; `called` where its title alone could be another room's."""
    here = ngettext("{n} here", "{n} here", each.online).format(n=each.online)
    unread = ngettext("{n} unread", "{n} unread", each.unread).format(n=each.unread)
    name = called or title(each, context)
    return f"{name}: {here}, {unread}" if each.unread else f"{name}: {here}"


def rooms_apart(rooms: Sequence[Room], peers: Sequence[Peer], context: Context) -> list[str]:
    """What these rooms are called beside each other: where two look the same a direct one has the tag of whom it is with, and one
    that was started anew says so."""
    shapes = Counter(text.look(each.name) for each in rooms)
    return [title(each, context) + (_apart(each, peers) if shapes[text.look(each.name)] > 1 else "") for each in rooms]


def _apart(room: Room, peers: Sequence[Peer]) -> str:
    tag = next((peer.tag for peer in peers if room.kind == "direct" and room.id in peer.rooms), "")
    return f" · {tag}" if tag else f" ({_('only to be read')})" if room.archived else ""


def member_line(member: Member, context: Context) -> str:
    """`Jonas · k3f9: here, verified`."""
    words = [_("you") if member.me else _("here") if member.online else _("away")]
    if member.trust == "verified" and not member.me:
        words.append(_("verified"))
    if member.via:
        words.append(_("known through {name}").format(name=context.spelled(member.via)))
    return f"{context.spelled(member.name)} · {member.tag}: {', '.join(words)}"


def title(which: Room, context: Context) -> str:
    """What a room is called in a sentence."""
    return say.room(which) if which.kind == "open" else context.spelled(which.name)
