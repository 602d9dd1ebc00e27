"""The sheet of a new room: what it is called, how long it keeps, and the language of its words. Pure."""

from __future__ import annotations

from typing import Literal

from peertalk import i18n
from peertalk.i18n import _, ngettext
from peertalk.tui.widgets.page import Paragraph
from peertalk.tui.widgets.picks import Pick

DAYS = (1, 7, 30, 90, 365)
LANGUAGES = ("en", "de")


def above() -> tuple[Paragraph, ...]:
    """What is asked first."""
    return (
        ((_("A new room"), "strong"),),
        (),
        ((_("What is it called? Only those whom you let in ever see the name."), "soft"),),
    )


def keeping() -> tuple[Pick, ...]:
    """How long what is written there stays on the laptops."""
    days = tuple(ngettext("{n} day", "{n} days", count).format(n=count) for count in DAYS)
    return (
        Pick("forever", (_("forever"),), _("on the laptops of all who were there")),
        Pick("days", tuple(_("for {days}").format(days=each) for each in days), _("← → changes it"), DAYS.index(30)),
        Pick("session", (_("off the record"),), _("no laptop keeps anything")),
    )


def languages() -> tuple[Pick, ...]:
    """The language of its words."""
    titles = {"en": _("English"), "de": _("German")}
    return (
        Pick(
            "language", tuple(titles[each] for each in LANGUAGES), _("its codes and words to compare"), LANGUAGES.index(i18n.language())
        ),
    )  # fmt: skip


def retention(picked: tuple[str, int]) -> Literal["forever", "session"] | int:
    """What the node calls it."""
    key, value = picked
    return DAYS[value] if key == "days" else "session" if key == "session" else "forever"
