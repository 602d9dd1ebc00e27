"""What can be said about messages: changing them, gestures, finding them again, writing them down. What is meant is the last one: the
last own message, or the last one of others."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from peertalk import i18n, say, text
from peertalk.commands.finding import Arguments, room_of, title
from peertalk.commands.model import Asked, Context, Outcome, Way
from peertalk.core.events import Message, Room
from peertalk.errors import RequestError
from peertalk.i18n import _, ngettext

if TYPE_CHECKING:
    from peertalk.node.node import Node

FAR: Final = 200
"""So many messages back the last one is looked for: what lies further up is not what somebody means who names none."""
SHOWN: Final = 20
BEGINNING: Final = 60
_TYPED: Final = {
    "en": {"hear": "hear", "metoo": "metoo", "thanks": "thanks", "strength": "strength", "hope": "hope"},
    "de": {"hear": "hören", "metoo": "auch", "thanks": "danke", "strength": "kraft", "hope": "hoffnung"},
}
"""Gestures as they are typed: one word each, in both languages everywhere."""


def words() -> list[str]:
    """The gestures that can be typed, in the person's language."""
    return list(_TYPED[i18n.language()].values())


async def edit(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Have one's last message here say something else."""
    last = await _last(node, context, lambda message: message.mine)
    await node.edit(last.id, arguments["text"])
    return Outcome()


async def ask_delete(node: Node, _arguments: Arguments, context: Context) -> Asked | None:
    """Which one is meant is said, since it is gone then."""
    last = await _last(node, context, lambda message: message.mine)
    question = _("Delete “{text}”? It cannot be brought back.").format(text=text.line(last.title or last.text, BEGINNING))
    return Asked(question, (Way(_("Delete"), "", {"message": last.id}),))


async def delete(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Delete one's last message here."""
    message = arguments.get("message") or (await _last(node, context, lambda message: message.mine)).id
    await node.delete(message)
    told = _("It is deleted here, and with the others as soon as their programs hear of it. What somebody has copied stays.")
    return Outcome((told,))


async def react(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Make a gesture towards the last message of others here, or take it back."""
    made = _gesture(arguments["gesture"])
    last = await _last(node, context, lambda message: not message.mine)
    me = node.status().identity.id
    await node.react(last.id, made, remove=me in last.reactions.get(made, ()))
    return Outcome()


def _gesture(typed: str) -> str:
    """RequestError("bad_choice")."""
    wanted = typed.strip().casefold()
    for spelled in _TYPED.values():
        found = next((name for name, word in spelled.items() if wanted in (word, name)), None)
        if found is not None:
            return found
    emoji = text.emoji(typed.strip())
    if not emoji:
        raise RequestError("bad_choice", value=typed, allowed=[*words(), "👋"])
    return emoji


async def _last(node: Node, context: Context, is_meant: Callable[[Message], bool]) -> Message:
    """The last message in the open room of which that holds. RequestError no_room, unknown_message."""
    here = await room_of(node, {}, context)
    said = (await node.messages(here.id, FAR)).messages
    for message in reversed(said):
        if message.is_speech and is_meant(message):
            return message
    raise RequestError("unknown_message")


async def search(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Messages with these words, the newest first, in all rooms."""
    found = await node.search(arguments["words"], None, SHOWN)
    if not found:
        return Outcome((_("Nothing was found for “{words}”.").format(words=text.line(arguments["words"])),))
    rooms = {room.id: room for room in await node.rooms()}
    now = time.time_ns() // 1_000_000
    lines = (_line(message, rooms.get(message.room), now, context) for message in found)
    count = ngettext("{n} message, the newest first:", "{n} messages, the newest first:", len(found)).format(n=len(found))
    return Outcome((count, *lines))


def _line(message: Message, room: Room | None, now: int, context: Context) -> str:
    where = title(room, context) if room is not None else "…"
    who = _("you") if message.mine else context.spelled(message.author.name)
    return f"{say.moment(message.time, now)} {where}, {who}: {text.line(say.words(message), BEGINNING)}"


async def export(node: Node, arguments: Arguments, context: Context) -> Outcome:
    """Write all of the open room into a new file: as JSON if its name ends so, else as Markdown."""
    here = await room_of(node, {}, context)
    path = _file(arguments.get("file", ""), here)
    people = [*await node.members(here.id), *await node.peers()]
    form = say.form("json" if path.suffix.casefold() == ".json" else "markdown", people)
    count = (await node.export(here.id, str(path), form)).count
    told = ngettext("{n} message is in {path} now.", "{n} messages are in {path} now.", count)
    return Outcome((told.format(n=count, path=path) + " " + _("Whoever gets that file can read it."),))


def _file(named: str, room: Room) -> Path:
    """The one that was named, or else one where somebody finds it again."""
    if named:
        return Path(named).expanduser().absolute()
    name = re.sub(r"[^\w-]+", "-", room.name).strip("-") or "peertalk"
    return Path.home() / f"{name}-{time.strftime('%Y-%m-%d')}.md"
