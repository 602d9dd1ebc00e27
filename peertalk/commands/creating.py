"""Private rooms: making one, inviting into it, coming in by a code."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from peertalk import i18n, say
from peertalk.commands.actions import AskAccept, AskCreate, ShowInvite, StopWaiting, SwitchRoom
from peertalk.commands.finding import Arguments, room_of, title
from peertalk.commands.model import Asked, Context, Outcome, Way
from peertalk.core.events import Invite, Room
from peertalk.errors import RequestError
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.node.node import Node

Retention = Literal["forever", "session"] | int
MOST_USES: Final = 256
_WORDS: Final[Mapping[str, Retention]] = MappingProxyType(
    {
        "forever": "forever",
        "für immer": "forever",
        "fuer immer": "forever",
        "off the record": "session",
        "session": "session",
        "ohne aufzeichnung": "session",
    }
)
_DAYS: Final = re.compile(r"(\d{1,4}) *(?:days?|tage?)", re.IGNORECASE)
_OFFERED: Final = 30


# ── making one ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask_create(_node: Node, arguments: Arguments, _context: Context) -> Asked | None:
    """For how long what is said is kept, where that was not said: it cannot be changed later."""
    name, retention = _divided(arguments.get("name", ""))
    if not name or retention is not None:
        return None
    ways = tuple(
        Way(say.kept(kept), say.kept_how(kept), {"name": name, "retention": str(kept)})
        for kept in ("forever", _OFFERED, "session")
    )
    return Asked(_("How long shall what is said in {room} be kept? It holds for everyone in it.").format(room=name), ways)


async def create(node: Node, arguments: Arguments, _context: Context) -> Outcome:
    """Make a private room; its language is the person's."""
    if "retention" in arguments:
        return await make(node, arguments["name"], retention_of(arguments["retention"]))
    name, retention = _divided(arguments.get("name", ""))
    if name:
        return await make(node, name, "forever" if retention is None else retention)
    return Outcome(
        (
            _("A private room needs a name, for instance: /create Tuesday circle"),
            _("Behind a comma you can say how long it keeps what is said: off the record, 30 days, or forever."),
        ),
        AskCreate(),
    )


async def make(node: Node, name: str, retention: Retention) -> Outcome:
    """Make it, and open it."""
    room = await node.create(name, retention, i18n.language())
    told = _("You are in {room} now, so far alone. Nobody else comes in without a code: /invite makes one.")
    return Outcome((told.format(room=say.room(room)), say.kept_how(room.retention)), SwitchRoom(room.id))


def retention_of(words: str) -> Retention:
    """`off the record`, `30 days`, `30`, `forever`. RequestError bad_choice."""
    found = _retention(words)
    if found is None:
        raise RequestError("bad_choice", value=words, allowed=(_("off the record"), _("30 days"), _("forever")))
    return found


def _retention(words: str) -> Retention | None:
    typed = " ".join(words.casefold().split())
    if typed in _WORDS:
        return _WORDS[typed]
    days = _DAYS.fullmatch(typed)
    number = days[1] if days else typed
    return int(number) if number.isascii() and number.isdigit() and len(number) < 5 else None


def _divided(line: str) -> tuple[str, Retention | None]:
    """`Tuesday circle, 30 days` → (`Tuesday circle`, 30). A name may have commas of its own."""
    name, comma, last = line.rpartition(",")
    if comma and not last.strip().isdigit() and (found := _retention(last)) is not None:
        return name.strip(), found
    for words, kept in _WORDS.items():
        if " " in words and " ".join(line.casefold().split()).endswith(" " + words):
            return " ".join(line.split())[: -len(words)].rstrip(" ,"), kept
    return line.strip(), None


# ── inviting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def invite(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """A code into the open room, for one person or for so many."""
    room = await room_of(node, {}, context)
    if room.sealed:
        raise RequestError("sealed", room=title(room, context))
    made = await node.invite(room.id, _uses(arguments.get("uses", "1")))
    return Outcome(say.invitation(made, room, time.time_ns() // 1_000_000), ShowInvite(made, room))


def _uses(written: str) -> int:
    uses = int(written) if written.isascii() and written.isdigit() and len(written) < 5 else 0
    if not 1 <= uses <= MOST_USES:
        raise RequestError("bad_choice", value=written, allowed=(_("a number from 1 to {most}").format(most=MOST_USES),))
    return uses


async def cancel(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Stop waiting, or take invitations back: the one that is named, otherwise those of the open room, or all."""
    if "code" in arguments:
        await node.cancel_invite(arguments["code"])
        return Outcome((_("That code lets nobody in any more."),))
    if context.waiting:
        return Outcome(action=StopWaiting())
    alive = node.invites()
    here = [each for each in alive if each.room == context.room] or alive
    for each in here:
        await node.cancel_invite(each.code)
    return Outcome((_taken_back(here),))


def _taken_back(codes: list[Invite]) -> str:
    if not codes:
        return _("There is nothing to take back: no code of yours is alive, and nothing is waited for.")
    if len(codes) == 1:
        return _("{code} lets nobody in any more. Who is in stays in.").format(code=say.code(codes[0].code))
    return _("{n} codes let nobody in any more. Who is in stays in.").format(n=len(codes))


# ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def wait_accept(_node: Node, arguments: Arguments, _context: Context) -> tuple[str, Arguments] | None:
    """What is looked for. The code itself is not said again: whoever looks over a shoulder could use it too."""
    if "code" not in arguments:
        return None
    return _("Looking for whoever said this code … /cancel stops it."), arguments


async def accept(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Come into the room that a code or a link leads to; without one, ask for it."""
    if "code" not in arguments:
        return Outcome((_("What was said to you? Write it behind the command: /accept 7 guitar meadow comet"),), AskAccept())
    room = await node.accept(arguments["code"])
    return Outcome(await _arrival(node, room, context), SwitchRoom(room.id))


async def _arrival(node: Node, room: Room, context: Context) -> tuple[str, ...]:
    by = next((member.invited_by for member in await node.members(room.id) if member.me), None)
    name = title(room, context)
    if by:
        told = _("You are in {room}, invited by {name}.").format(room=name, name=context.spelled(by))
    else:
        told = _("You are in {room}.").format(room=name)
    return (
        told,
        _("To be sure that nobody sits in between, compare the words of the room: /words"),
        say.kept_how(room.retention),
    )
