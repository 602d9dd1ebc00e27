"""A question, line by line: what is asked, what can be answered, and the next line is the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from peertalk.commands import AskFirst, AskWhich, Invocation
from peertalk.commands.questions import BACK, Ask, AskChoice, AskText, Back
from peertalk.errors import RequestError
from peertalk.i18n import _
from peertalk.plain.listening import Listening
from peertalk.plain.voice import Voice

_WAYS_BACK = ("/back", "/zurück", "/zurueck")
_YES = ("y", "yes", "j", "ja")
_NO = ("n", "no", "nein")


class NobodyAnswersError(Exception):
    """The input ended while something was asked."""


class LineAsking:
    """Asks, and waits for a line that is an answer."""

    def __init__(self, voice: Voice, listening: Listening) -> None:
        self._voice = voice
        self._listening = listening

    async def __call__(self, ask: Ask) -> str | Back:
        """The answer: the text, or the key of the choice. NobodyAnswersError."""
        with self._listening.hidden() if isinstance(ask, AskText) and ask.secret else nullcontext():
            await self._voice.say(*question_lines(ask, hides=self._listening.hides))
            while True:
                written = await self._line()
                if ask.back and written.strip().casefold() in _WAYS_BACK:
                    return BACK
                answer, wrong = _chosen(ask, written) if isinstance(ask, AskChoice) else _typed(ask, written)
                if not wrong:
                    return answer
                await self._voice.say(wrong)

    async def _line(self) -> str:
        try:
            line = await self._listening.line()
        except RequestError:  # no answer is that long
            return ""
        if line is None:
            raise NobodyAnswersError
        return line


def question_lines(ask: Ask, *, hides: bool = True) -> Iterator[str]:
    """What is said before an answer is waited for."""
    question = ask.question
    yield from filter(None, [question.trouble, question.over, _sentence(question.title), question.why])
    if isinstance(ask, AskChoice):
        for number, choice in enumerate(ask.choices, 1):
            yield f"{number}: {_sentence(choice.title)} {choice.meaning}".rstrip()
        yield _("Write the number. Enter alone takes 1.")
    elif ask.secret:
        yield _("What you type does not show.") if hides else _("What you type shows on this terminal.")
    elif ask.text:
        yield _("Enter alone takes {text}.").format(text=ask.text)
    if ask.back:
        yield _("/back goes back.")


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!", ":")) else f"{words}."


def _chosen(ask: AskChoice, written: str) -> tuple[str, str]:
    """The key of the choice, or what is wrong."""
    numbers = {str(number): choice.key for number, choice in enumerate(ask.choices, 1)} | {"": ask.choices[0].key}
    key = numbers.get(written.strip().rstrip("."))
    wrong = _("Please write a number from 1 to {last}.").format(last=len(ask.choices))
    return (key, "") if key is not None else ("", wrong)


def _typed(ask: AskText, written: str) -> tuple[str, str]:
    """What was typed, or what is wrong with it."""
    answer = written if written or ask.secret else ask.text
    return answer, ask.check(answer)


def spoken_options(asked: AskWhich) -> tuple[str, ...]:
    """What can be chosen, one line each, and how."""
    rows = (f"{number}: {_sentence(each.title)} {each.meaning}".rstrip() for number, each in enumerate(asked.options, 1))
    return (asked.question, *rows, _("Write the number, or no."))


def answered(asked: AskFirst | AskWhich, line: str) -> tuple[bool, Invocation | None]:
    """Whether a line is an answer to a question, and what is to be done then."""
    if isinstance(asked, AskFirst):
        yes = yes_or_no(line)
        return yes is not None, asked.invocation if yes else None
    numbers = {str(number): option.invocation for number, option in enumerate(asked.options, 1)}
    chosen = numbers.get(line.strip().rstrip("."))
    return chosen is not None or yes_or_no(line) is False, chosen


def yes_or_no(line: str) -> bool | None:
    """What a line says to a question; None: neither."""
    word = line.strip().rstrip(".!").casefold()
    return True if word in _YES else False if word in _NO else None
