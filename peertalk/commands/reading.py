"""A line that a person wrote → text to send, a command, or what is wrong with it."""

from __future__ import annotations

import difflib
import unicodedata

from peertalk.commands.model import Command, Invocation, Problem, Text
from peertalk.commands.table import find, names, usage
from peertalk.errors import RequestError

PREFIX = "/"
SUGGESTIONS = 3


def parse(line: str) -> Text | Invocation | Problem:
    """What `line` means. A slash first, also behind spaces, makes it a command: a slip must not end up in a room.

    Two slashes begin a text with one. Problems: RequestError `unknown_command` (`command`, `suggestions`), `missing_argument` (`usage`),
    `extra_argument` (`usage`), `bad_choice` (`value`, `allowed`)."""
    stripped = line.lstrip()
    if not stripped.startswith(PREFIX):
        return Text(line)
    if stripped.startswith(PREFIX * 2):
        return Text(stripped[1:])
    word, rest = _first(stripped[1:])
    command = find(word)
    if command is None:
        return Problem(RequestError("unknown_command", command=PREFIX + word, suggestions=suggestions(word)))
    try:
        return Invocation(command, _arguments(command, rest))
    except RequestError as error:
        return Problem(error)


def suggestions(word: str) -> tuple[str, ...]:
    """The names of commands most like `word`, with their slash, the best first; at most three."""
    typed = unicodedata.normalize("NFC", word).casefold()
    known = names()
    found = [name for name in known if typed and name.startswith(typed)]
    found += difflib.get_close_matches(typed, known, n=SUGGESTIONS, cutoff=0.6)
    spelled: dict[str, str] = {}
    for name in found:
        spelled.setdefault(known[name].id, PREFIX + name)
    return tuple(spelled.values())[:SUGGESTIONS]


def _first(text: str) -> tuple[str, str]:
    """The first word and the rest without the spaces around it."""
    word, *rest = text.split(maxsplit=1) or [""]
    return (word, rest[0].rstrip() if rest else "") if not text[:1].isspace() else ("", text.strip())


def _arguments(command: Command, rest: str) -> dict[str, str]:
    """The arguments by key; those that may have spaces get the rest of the line, for their handler to divide."""
    arguments: dict[str, str] = {}
    for parameter in command.parameters:
        if not rest and not parameter.optional:
            raise RequestError("missing_argument", usage=usage(command))
        if rest:
            last = parameter is command.parameters[-1] or parameter.kind in ("peer", "room")
            arguments[parameter.key], rest = (rest, "") if last else _first(rest)
            _check(parameter.choices, arguments[parameter.key])
        if parameter.kind in ("peer", "room"):
            break
    if rest:
        raise RequestError("extra_argument", usage=usage(command))
    return arguments


def _check(choices: tuple[str, ...], value: str) -> None:
    if choices and value.casefold() not in choices:
        raise RequestError("bad_choice", value=value, allowed=choices)
