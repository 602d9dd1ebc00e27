"""What a command is, what a line can mean, and what comes of it: values only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from peertalk import i18n
from peertalk.commands.actions import (
    AskAccept,
    AskCreate,
    Quit,
    SetLanguage,
    SetTheme,
    ShowEmoji,
    ShowHelp,
    ShowInvite,
    ShowOffer,
    ShowOlder,
    ShowReport,
    ShowWords,
    StopWaiting,
    SwitchRoom,
)
from peertalk.errors import RequestError

if TYPE_CHECKING:
    from peertalk.node.node import Node

Kind = Literal[
    "room",
    "room_name",
    "peer",
    "people",
    "text",
    "name",
    "address",
    "command",
    "theme",
    "language",
    "code",
    "number",
    "gesture",
]


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
    """Where a command was given: the id of the room that is open in the front end, if any; how a name of others is spelled there; and
    whether something is waited for (Waiting)."""

    room: str | None = None
    spelled: Callable[[str], str] = str
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `names` by language, the first is the one shown; all names work in every language.

    `ask` makes the question for a command that hurts, or that leaves a choice; None: there is nothing to ask. `wait` makes the
    sentence for a command that waits for other people, and the arguments to go on with; None: it answers at once."""

    id: str
    names: Mapping[str, tuple[str, ...]]
    help: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    ask: Asker | None = None
    wait: Waiter | None = None

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
class AskFirst:
    """Ask `question`; on yes (the button reads `yes`) run `invocation`, else nothing."""

    question: str
    yes: str
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class Option:
    """One way to go on: what it is, what it means, and what to run then."""

    title: str
    meaning: str
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class AskWhich:
    """Ask `question`, and run the invocation of the option that was chosen; of none, nothing."""

    question: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Say `sentence` (the line of the outcome), and run `invocation` beside everything else: it waits for other people, perhaps for
    minutes. It is given up by being cancelled, as `/cancel` and Esc do; one at a time."""

    sentence: str
    invocation: Invocation


Action = (
    SwitchRoom
    | ShowOlder
    | Quit
    | SetTheme
    | SetLanguage
    | ShowHelp
    | ShowReport
    | AskFirst
    | AskWhich
    | AskAccept
    | AskCreate
    | ShowInvite
    | ShowWords
    | ShowEmoji
    | ShowOffer
    | Waiting
    | StopWaiting
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: lines for the person, and something for the front end to do."""

    lines: tuple[str, ...] = ()
    action: Action | None = None


Handler = Callable[["Node", Mapping[str, str], Context], Awaitable[Outcome]]
Asker = Callable[["Node", Mapping[str, str], Context], Awaitable["Asked | None"]]
Waiter = Callable[["Node", Mapping[str, str], Context], Awaitable["tuple[str, Mapping[str, str]] | None"]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to go on after a question: what it is, what it means, and the arguments that it stands for."""

    title: str
    meaning: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked before a command is carried out: with one way to go on it is yes or no, otherwise which."""

    question: str
    ways: tuple[Way, ...]
