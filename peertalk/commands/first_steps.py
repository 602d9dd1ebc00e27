"""The first start: three short steps, each with a way back. And the question for the passphrase later on.

What is asked is asked through `Asking` (the screen shows a card, plain mode a few lines), so that this file is the story alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from peertalk import say, text
from peertalk.commands.questions import BACK, AskChoice, Asking, AskText, Back, Choice, Question
from peertalk.config import Settings
from peertalk.i18n import _


@dataclass(frozen=True, slots=True)
class Answers:
    """What was decided: settings to start with, the passphrase if there is to be one, and whether to be in the lobby from now on."""

    settings: Settings
    passphrase: str | None = None
    lobby_asked: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a question: the step over it, and what Esc does, if anything."""

    over: str
    back: str


Step = Callable[[Asking, Answers, Frame], Awaitable[Answers | Back]]


async def first_steps(asking: Asking, settings: Settings) -> Answers:
    """Ask what has not been said by options already."""
    steps: list[Step] = []
    if settings.name is None:
        steps.append(_name)
    if not settings.ephemeral and settings.passphrase_file is None:
        steps.append(_history)
    if settings.lobby:
        steps.append(_lobby)
    answers, number = Answers(settings), 0
    while number < len(steps):
        over = _("First start · {number} of {all}").format(number=number + 1, all=len(steps))
        answer = await steps[number](asking, answers, Frame(over, _("goes back") if number else ""))
        if isinstance(answer, Back):
            number = max(number - 1, 0)
        else:
            answers, number = answer, number + 1
    return answers


async def ask_passphrase(asking: Asking, trouble: str = "") -> str:
    """The passphrase of a profile that has one."""
    why = _("Your history is encrypted under it.")
    answer = await asking(AskText(Question(_("Your passphrase"), why, trouble=trouble), secret=True, check=_something))
    return answer if isinstance(answer, str) else ""


async def ask_again(asking: Asking, sentence: str) -> bool:
    """Say why it does not start; whether to try once more."""
    choices = [Choice("again", _("Try again")), Choice("quit", _("Close PeerTalk"))]
    return await asking(AskChoice(Question(_("PeerTalk cannot start yet"), sentence), choices)) == "again"


async def _name(asking: Asking, answers: Answers, frame: Frame) -> Answers | Back:
    question = Question(
        _("What shall others call you?"),
        _("A made-up name is as good as any. You can change it at any time with /nick."),
        frame.over,
    )
    name = answers.settings.name or say.made_up_name(secrets.token_bytes)
    answer = await asking(AskText(question, text=name, check=_bad_name, back=frame.back))
    return BACK if isinstance(answer, Back) else replace(answers, settings=replace(answers.settings, name=text.name(answer)))


async def _history(asking: Asking, answers: Answers, frame: Frame) -> Answers | Back:
    choices = [
        Choice("passphrase", _("Yes, encrypted under a passphrase"), _("You type it at every start. Nobody can recover it.")),
        Choice("key", _("Yes, encrypted, without a passphrase"), _("Whoever can use your account here can open it.")),
        Choice("nothing", _("No, keep nothing"), _("When you close PeerTalk it is gone, your identity too.")),
    ]
    answer = await asking(
        AskChoice(Question(_("Keep your history on this computer?"), over=frame.over), choices, back=frame.back)
    )
    if isinstance(answer, Back):
        return BACK
    if answer == "passphrase":
        return await _new_passphrase(asking, answers, frame)
    return replace(answers, passphrase=None, settings=replace(answers.settings, ephemeral=answer == "nothing"))


async def _new_passphrase(asking: Asking, answers: Answers, frame: Frame) -> Answers | Back:
    """Ask twice, until both are the same."""
    trouble = ""
    while True:
        why = _("Several words that only you put together are good. Nobody can recover it.")
        question = Question(_("A passphrase for your history"), why, frame.over, trouble)
        first = await asking(AskText(question, secret=True, check=_something, back=_("goes back")))
        if isinstance(first, Back):
            return await _history(asking, answers, frame)
        second = await asking(AskText(Question(_("The same once more"), over=frame.over), secret=True, back=_("goes back")))
        if second == first:
            return replace(answers, passphrase=first, settings=replace(answers.settings, ephemeral=False))
        trouble = "" if isinstance(second, Back) else _("The two were not the same. Type it again.")


async def _lobby(asking: Asking, answers: Answers, frame: Frame) -> Answers | Back:
    question = Question(
        _("Shall everyone on this network find you?"),
        _("The lobby is an open room: everyone with PeerTalk on this network is in it.")
        + " "
        + _(
            "Who only listens sees either way that PeerTalk runs here and with which addresses it talks, but no names and no texts."
        ),
        frame.over,
    )
    choices = [
        Choice("in", _("Yes, be in the lobby"), _("Everyone in it sees your name and key, and reads what you write.")),
        Choice("out", _("No, stay out of it"), _("Only those who share another room with you find you.")),
    ]
    answer = await asking(AskChoice(question, choices, back=frame.back))
    if isinstance(answer, Back):
        return BACK
    return replace(answers, lobby_asked=True, settings=replace(answers.settings, lobby=answer == "in"))


def _bad_name(answer: str) -> str:
    return "" if text.name(answer, fallback="") else _("A name needs at least one letter or digit.")


def _something(answer: str) -> str:
    return "" if answer else _("It cannot be empty.")
