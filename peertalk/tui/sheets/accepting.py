"""The sheet on which a code is typed: what Tab would make of it, what is not understood, and what goes on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from peertalk.commands.questions import Choice
from peertalk.i18n import _
from peertalk.tui.widgets.page import Paragraph

SHOWN = 5
"""Words that are offered at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`offers` are what the typed text could become; `doubt` is what is not understood in it; `looking` for so many seconds, or None;
    `trouble`: why it did not work."""

    offers: tuple[str, ...] = ()
    doubt: str = ""
    looking: int | None = None
    trouble: str = ""


def above(*, unsent: bool = False) -> tuple[Paragraph, ...]:
    """What is asked; or why it is, where a code was about to be sent to everybody (`unsent`)."""
    if unsent:
        return (
            ((_("That is a code. It was not sent: everybody here could come in by it."), "strong"),),
            (),
            ((_("Enter looks for the room behind it."), "soft"),),
        )
    return (
        ((_("What was said to you?"), "strong"),),
        (),
        ((_("A number and three words. Or paste the link that you were sent."), "soft"),),
    )


def below(entry: Entry) -> tuple[Paragraph, ...]:
    """What is to be said about what is typed."""
    if entry.looking is not None:
        return _looking(entry.looking)
    if entry.trouble:
        return (((entry.trouble, "attention"),),)
    offers: list[Paragraph] = [_offered(entry.offers)] if entry.offers else []
    return (*offers, ((entry.doubt, "attention"),)) if entry.doubt else tuple(offers)


def choices(entry: Entry) -> tuple[Choice, ...]:
    """What can be done."""
    if entry.looking is not None:
        return (Choice("stop", _("stop looking")),)
    return Choice("accept", _("come in")), Choice("close", _("close"))


def _offered(offers: tuple[str, ...]) -> Paragraph:
    words = [offer.rpartition(" ")[2].rpartition("-")[2] for offer in offers]
    more = ["…"] if len(words) > SHOWN else []
    return (_("Tab") + "   ", "soft"), ("   ".join([*words[:SHOWN], *more]), "accent")


def _looking(seconds: int) -> tuple[Paragraph, ...]:
    waited = f"   ({seconds} s)" if seconds else ""
    first = _("Looking for whoever invites with this code …")
    if seconds < 5:
        return (((first, ""), (waited, "soft")),)
    more = _("Nobody has answered yet. The other one has to be on this network, with PeerTalk open.")
    return (((first, ""), (waited, "soft")), ((more, "soft"),))
