"""What Tab offers: names of commands, and what their parameters take; names of people in a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from peertalk import i18n
from peertalk.commands import privacy, speaking
from peertalk.commands.model import Command, Parameter
from peertalk.commands.table import COMMANDS, find
from peertalk.core import codes
from peertalk.i18n import _

MOST = 20


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the front end knows: the names of the rooms that one is in (`#lobby`, `Mira`) and of the people, likeliest first."""

    rooms: Sequence[str] = field(default=())
    peers: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Completion:
    """Put `text` in place of `line[start:end]`; `label` is what the list shows, `help` what stands beside it."""

    text: str
    start: int
    end: int
    label: str
    help: str = ""


def complete(line: str, cursor: int, candidates: Candidates) -> list[Completion]:
    """What could stand before the cursor, likeliest first: all commands that fit, of other things at most 20. Nothing for a word
    that has not begun in a text."""
    before = line[:cursor]
    offset = len(before) - len(before.lstrip())
    if not before[offset:].startswith("/") or before[offset:].startswith("//"):
        return _names(before, candidates.peers)
    word, space, rest = before[offset + 1 :].partition(" ")
    if not space:
        return _commands(word, offset, cursor)
    command = find(word)
    return _parameters(command, rest, cursor, candidates) if command else []


def _commands(word: str, start: int, end: int) -> list[Completion]:
    typed = word.casefold()
    found = []
    for command in COMMANDS:
        spellings = [command.name, *(name for group in command.names.values() for name in group)]
        name = next((name for name in spellings if name.startswith(typed)), None)
        if name is not None:
            tail = " " if command.parameters else ""
            found.append(Completion(f"/{name}{tail}", start, end, f"/{name}", _(command.help)))
    return found


def _parameters(command: Command, rest: str, end: int, candidates: Candidates) -> list[Completion]:
    """What the parameter under the cursor takes. Only first parameters take anything that can be listed."""
    if not command.parameters:
        return []
    parameter, typed = command.parameters[0], rest.lstrip()
    if parameter.kind == "code":
        offers = codes.complete(typed, "de" if i18n.language() == "de" else "en")
        return [Completion(offer, end - len(typed), end, offer) for offer in offers[:MOST]]
    if parameter.kind == "people":
        typed = typed.rpartition(",")[2].lstrip()
    tail = " " if len(command.parameters) > 1 else ""
    offers = [option for option in _options(parameter, candidates) if _matches(option, typed)]
    return [Completion(option + tail, end - len(typed), end, option) for option in offers[:MOST]]


def _options(parameter: Parameter, candidates: Candidates) -> Iterable[str]:
    match parameter.kind:
        case "room":
            return candidates.rooms
        case "peer" | "people":
            return candidates.peers
        case "gesture":
            return speaking.words()
        case "command":
            return [*(command.name for command in COMMANDS), privacy.WORDS[i18n.language()]]
        case _:
            return parameter.choices


def _names(before: str, peers: Sequence[str]) -> list[Completion]:
    """The people whose name begins as the last word does; a name that is the first word calls somebody."""
    word = before.rsplit(maxsplit=1)[-1] if before and not before[-1].isspace() else ""
    typed = word.removeprefix("@")
    if not typed:
        return []
    start = len(before) - len(typed)
    tail = ", " if before.strip() == word and word == typed else " "
    return [Completion(peer + tail, start, len(before), peer) for peer in peers if _matches(peer, typed)][:MOST]


def _matches(option: str, typed: str) -> bool:
    """Whether the option, or a word of it, begins with what was typed."""
    start, whole = typed.casefold().lstrip("#@"), option.casefold().lstrip("#@")
    return whole.startswith(start) or any(word.startswith(start) for word in whole.split())
