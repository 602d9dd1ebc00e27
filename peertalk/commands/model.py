"""What a command is, what a line can mean, and what comes of it: values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from peertalk import i18n
from peertalk.core.events import Report
from peertalk.errors import RequestError

if TYPE_CHECKING:
    from peertalk.node.node import Node

Kind = Literal["room", "room_name", "peer", "text", "name", "address", "command", "theme", "language"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `key` is its key in the arguments, `label` (to be translated) stands in the usage. The last one takes the
    rest of the line, spaces and all; one of kind `peer` or `room` may have spaces anywhere (its handler knows the names)."""

    key: str
    kind: Kind
    label: str
    optional: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Where a command was given: the id of the room that is open in the front end, if any; and how a name of others is spelled there."""

    room: str | None = None
    spelled: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `names` by language, the first is the one shown; all names work in every language.

    `ask` makes the question for a command that hurts, and the arguments that a yes then stands for."""

    id: str
    names: Mapping[str, tuple[str, ...]]
    help: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    ask: Asker | None = None

    @property
    def name(self) -> str:
        """The name in the person's language, without the slash."""
        return self.names.get(i18n.language(), self.names["en"])[0]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command with its arguments, as they were written. `confirmed`: the person has said yes to its question."""

    command: Command
    arguments: Mapping[str, str] = field(default_factory=dict)
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A line that is to be sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that looks like a command and is none: it is never sent. `say.error(problem.error)` says what is wrong."""

    error: RequestError


# ── what a front end is to do ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SwitchRoom:
    """Open this room (its id)."""

    room: str


@dataclass(frozen=True, slots=True)
class ShowOlder:
    """Go back to older messages of the open room."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Close PeerTalk."""


@dataclass(frozen=True, slots=True)
class SetTheme:
    """`dark`, `light` or `auto`; it has been asked for, so keep it (config.save)."""

    theme: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """`en` or `de`; it has been asked for, so keep it (config.save) and call i18n.activate."""

    language: str


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Open the help, at this command if one is named. The lines of the outcome say the same for a front end without one."""

    command: str | None = None


@dataclass(frozen=True, slots=True)
class ShowReport:
    """Tell what the doctor found. The lines of the outcome say the same for a front end that has no way of its own."""

    report: Report


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Ask `question`; on yes (the button reads `yes`) run `invocation`, else nothing."""

    question: str
    yes: str
    invocation: Invocation


Action = SwitchRoom | ShowOlder | Quit | SetTheme | SetLanguage | ShowHelp | ShowReport | AskFirst


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: lines for the person, and something for the front end to do."""

    lines: tuple[str, ...] = ()
    action: Action | None = None


Handler = Callable[["Node", Mapping[str, str], Context], Awaitable[Outcome]]
Asker = Callable[["Node", Mapping[str, str], Context], Awaitable[tuple[str, str, Mapping[str, str]]]]
