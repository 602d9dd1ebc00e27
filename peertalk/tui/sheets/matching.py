"""The sheet of seven symbols, compared with one person. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from peertalk.commands.questions import Choice
from peertalk.core.events import Emoji, IdentityView
from peertalk.i18n import _
from peertalk.say.names import within
from peertalk.tui.widgets.page import Paragraph

State = Literal["waiting", "comparing", "match", "differ", "failed"]


@dataclass(frozen=True, slots=True)
class Match:
    """With whom (`name` is how they are called here), how far it is, and what is to be seen. `trouble`: why it did not come to that."""

    peer: IdentityView
    name: str
    state: State = "waiting"
    emoji: Emoji | None = None
    seconds: int = 0
    trouble: str = ""


def lines(match: Match, *, symbols: bool = True) -> tuple[Paragraph, ...]:
    """All that it says. Without `symbols`, by their names alone."""
    name = within(match.name, match.peer.tag)
    match match.state:
        case "waiting":
            return _waiting(name, match.seconds)
        case "comparing":
            return _comparing(name, match.emoji, symbols=symbols)
        case "match":
            stays = _("Nobody sits between you. It stays so until {name} uses another laptop, and then you are told.")
            return (
                ((_("✓ {name} is verified.").format(name=name), "strong"),),
                (),
                ((stays.format(name=name), "soft"),),
            )
        case "differ":
            return _differ(name)
        case "failed":
            return (((_("It did not come to comparing with {name}.").format(name=name), "strong"),), (), ((match.trouble, ""),))


def choices(match: Match) -> tuple[Choice, ...]:
    """What can be answered."""
    match match.state:
        case "waiting":
            return (Choice("close", _("stop waiting")),)
        case "comparing":
            return Choice("match", _("they match")), Choice("differ", _("they differ"))
        case "failed" | "differ":
            return Choice("again", _("once more")), Choice("close", _("close"))
        case _:
            return (Choice("close", _("close")),)


def _waiting(name: str, seconds: int) -> tuple[Paragraph, ...]:
    return (
        ((_("Waiting for {name}").format(name=name), "strong"), (f"   ({seconds} s)" if seconds else "", "soft")),
        (),
        ((_("A line above the place where they write says that you want to compare."), ""),),
        ((_("Once they open it, both of you see seven symbols. Compare them aloud, or on the phone; not by writing here."), "soft"),),
    )  # fmt: skip


def _comparing(name: str, emoji: Emoji | None, *, symbols: bool) -> tuple[Paragraph, ...]:
    shown = emoji.emoji if emoji is not None else []
    return (
        ((_("Does {name} see the same, in the same order?").format(name=name), ""),),
        (),
        *(
            ((f"  {number}  ", "soft"), (f"{each.symbol}  " if symbols else "", ""), (each.name, "code"))
            for number, each in enumerate(shown, 1)
        ),
    )


def _differ(name: str) -> tuple[Paragraph, ...]:
    return (
        ((_("Good that you looked. {name} is not verified.").format(name=name), "strong"),),
        (),
        ((_("Either it is not {name}, or somebody sits between you and reads along.").format(name=name), "attention"),),
        ((_("Write nothing to this person here that has to stay between you. Meet, or go to another network, "
            "and compare once more."), ""),),
    )  # fmt: skip
