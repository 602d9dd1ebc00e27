"""A conversation written down: as Markdown for people, as JSON for programs. Nothing that somebody wrote can pass for a line of the file
itself: texts are indented, and in whatever else is theirs the signs of Markdown are escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, Protocol

import msgspec

from peertalk.core.events import IdentityView, Message, Room
from peertalk.i18n import _
from peertalk.say import names
from peertalk.say.events import message as line
from peertalk.say.gestures import answered, gestures, note
from peertalk.say.states import marks
from peertalk.say.times import clock, day

Format = Literal["markdown", "json"]
_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:])")
_INDENT: Final = "    "


class Form(Protocol):
    """How a conversation is written down: what to write first, for each message, and last."""

    @property
    def name(self) -> Format: ...

    def begin(self, room: Room, exported: int) -> str: ...

    def message(self, message: Message) -> str: ...

    def end(self) -> str: ...


def form(format: Format, people: Iterable[IdentityView]) -> Form:  # noqa: A002 (named as the parameter is)
    """How to write a conversation of these people (node/export.py)."""
    return Json() if format == "json" else Markdown(people)


class Json:
    """One object; the messages are those of docs/rpc.md."""

    @property
    def name(self) -> Format:
        return "json"

    def __init__(self) -> None:
        self._begun = False

    def begin(self, room: Room, exported: int) -> str:
        return f'{{"room":{_json(room)},"exported":{exported},"messages":['

    def message(self, message: Message) -> str:
        comma, self._begun = "," * self._begun, True
        return f"{comma}\n{_json(message)}"

    def end(self) -> str:
        return "\n]}\n"


class Markdown:
    """A heading for each day; of each message who, when, what it answers, what it says, and who made which gesture."""

    @property
    def name(self) -> Format:
        return "markdown"

    def __init__(self, people: Iterable[IdentityView]) -> None:
        people = list({one.id: one for one in people}.values())
        self._names = dict(zip((one.id for one in people), names.told_apart(people), strict=True))
        self._day = ""

    def begin(self, room: Room, exported: int) -> str:
        told = _("As it was on {day} at {time}.").format(day=day(exported, 0), time=clock(exported))
        return f"# {_escaped(names.room(room))}\n\n{told}\n"

    def message(self, message: Message) -> str:
        heading = self._heading(message)
        if message.deleted or message.kind not in ("text", "story"):
            return f"{heading}\n*{clock(message.time)} {_escaped(line(message, self._called(message.author)))}*\n"
        return f"{heading}\n" + "\n".join(f"{part}\n" for part in self._parts(message))

    def end(self) -> str:
        return ""

    def _heading(self, message: Message) -> str:
        before = self._day
        if not (before and message.clock):  # a clock that is far off says nothing about the day
            self._day = day(message.time, 0)
        return f"\n## {self._day}\n" if self._day != before else ""

    def _parts(self, message: Message) -> list[str]:
        state = f" ({state})" if (state := marks(message)) else ""
        parts = [f"**{clock(message.time)} {_escaped(self._called(message.author))}**{_escaped(state)}"]
        if message.quote is not None:
            name = self._called(message.quote.author) if message.quote.author is not None else ""
            parts.append(f"> {_escaped(answered(message.quote, name))}")
        if message.warning:
            parts.append(f"*{_escaped(note(message.warning))}*")
        if message.title:
            parts.append(f"**{_escaped(message.title)}**")
        parts.append("\n".join(_INDENT + row for row in message.text.split("\n")))
        if message.reactions:
            parts.append(f"*{_escaped(gestures(message, self._names))}*")
        return parts

    def _called(self, somebody: IdentityView) -> str:
        return self._names.get(somebody.id, f"{somebody.name} · {somebody.tag}")


def _escaped(words: str) -> str:
    """As Markdown shows it again; on one line."""
    return _SIGNS.sub(r"\\\1", words.replace("\n", " "))


def _json(view: msgspec.Struct) -> str:
    return msgspec.json.encode(view).decode()
