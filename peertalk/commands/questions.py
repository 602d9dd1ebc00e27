"""What a person is asked, as values: each front end asks in its own way, and answers with a text, the key of a choice, or BACK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final


class Back:
    """The way back was taken."""


BACK: Final = Back()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several: its key, what it is, and what it means."""

    key: str
    title: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, `over` it small where one is, under it why. `trouble` is what was wrong with the last answer."""

    title: str
    why: str = ""
    over: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class AskText:
    """Something to type. `text` stands there already; a `secret` one is not shown; `check` says what is wrong with an answer, or
    nothing; `back` says what the way back does, if there is one."""

    question: Question
    text: str = ""
    secret: bool = False
    check: Callable[[str], str] = lambda _text: ""
    back: str = ""


@dataclass(frozen=True, slots=True)
class AskChoice:
    """Something to choose; the first choice is the one that Enter alone takes. `back` as above."""

    question: Question
    choices: Sequence[Choice]
    back: str = ""


Ask = AskText | AskChoice
Asking = Callable[[Ask], Awaitable[str | Back]]
