"""The sheet of a room's words: ten words to be read aloud, and who is really there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from peertalk import text
from peertalk.commands.questions import Choice
from peertalk.core.events import IdentityView, Member, Room, Words
from peertalk.i18n import _, ngettext
from peertalk.say.names import listed, within
from peertalk.tui.widgets.page import Paragraph
from peertalk.tui.widgets.ticks import Tick

COLUMNS = 5
"""Words side by side; two rows are ten."""

Called = Callable[[IdentityView], str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`changed`: the words became others meanwhile. `verdict`: "same" and who is verified by it, or "differs"."""

    room: Room
    words: Words
    changed: bool = False
    verdict: str = ""
    verified: tuple[str, ...] = field(default=())
    trouble: str = ""


def people(words: Words, called: Called) -> tuple[Tick, ...]:
    """Who is linked now, and may be in the room: those are to be ticked off."""
    here = (member for member in words.members if member.online and not member.me)
    return tuple(Tick(member.id, called(member)) for member in sorted(here, key=_by_name))


def lines(now: Comparison, called: Called) -> tuple[Paragraph, ...]:
    """What stands over the names."""
    if now.verdict == "same":
        return _same(now, called)
    if now.verdict == "differs":
        return _differs()
    over: Paragraph = ((_("The words of {room}").format(room=text.spoken(now.room.name) or now.room.name), "soft"),)
    if now.words.gathering:
        return (over, (), *_gathering(now, called))
    return (
        over,
        (),
        ((_("Read these aloud, one person. Everyone else: is it the same on your screen?"), ""),),
        (),
        *_grid(now.words.words),
        *_news(now, called),
    )


def below(now: Comparison, called: Called) -> tuple[Paragraph, ...]:
    """What stands over the boxes."""
    if now.verdict or now.words.gathering:
        return ()
    if not people(now.words, called):
        return (((_("Nobody else is here now: there is nobody to compare with."), "soft"),),)
    return (((_("Here now. Tick who is really in the room:"), ""),),)


def question(now: Comparison, called: Called) -> str:
    """Six names, six people?"""
    count = len(people(now.words, called)) + 1
    if now.verdict or now.words.gathering or count < 2:
        return ""
    return _("{n} names with yours: are you {n} people?").format(n=count)


def choices(now: Comparison, called: Called) -> tuple[Choice, ...]:
    """What can be answered."""
    if now.verdict == "differs":
        again = Choice("again", _("compare again"))
        return (again, Choice("create", _("a new room")), Choice("leave", _("leave this one")), Choice("close", _("close")))
    if now.verdict or now.words.gathering or not people(now.words, called):
        return (Choice("close", _("close")),)
    return Choice("same", _("all the same")), Choice("differs", _("something differs"))


def _by_name(member: Member) -> tuple[str, str]:
    return member.name.casefold(), member.id


def _grid(words: Sequence[str]) -> list[Paragraph]:
    """Rows of five, in columns, with air between them."""
    each = max((cell_len(word) for word in words), default=0) + 4
    rows = [words[start : start + COLUMNS] for start in range(0, len(words), COLUMNS)]
    laid = ["    " + "".join(word + " " * (each - cell_len(word)) for word in row).rstrip() for row in rows]
    spaced: list[Paragraph] = [((row, "code"),) for row in laid]
    return [line for row in spaced for line in (row, ())][:-1]


def _gathering(now: Comparison, called: Called) -> list[Paragraph]:
    told: list[Paragraph] = [
        ((_("One moment: not everyone's laptop sees the same people yet."), ""),),
        ((_("The words appear as soon as they do. This takes a few seconds after somebody came or left."), "soft"),),
    ]
    return told + _differing(now, called)


def _differing(now: Comparison, called: Called) -> list[Paragraph]:
    if not now.words.differ:
        return []
    names = [within(called(peer), peer.tag) for peer in now.words.differ]
    told = ngettext(
        "{names} sees other people here than you do. Ask aloud who is on that screen.",
        "{names} see other people here than you do. Ask aloud who is on those screens.",
        len(names),
    )
    return [(), ((told.format(names=listed(names)), "attention"),)]


def _news(now: Comparison, called: Called) -> list[Paragraph]:
    rows = _differing(now, called)
    if now.changed:
        rows += [(), ((_("Somebody came, left or has another name: the words are new. Begin again."), "attention"),)]
    if now.trouble:
        rows += [(), ((now.trouble, "attention"),)]
    return rows


def _same(now: Comparison, called: Called) -> tuple[Paragraph, ...]:
    others = [each for each in now.words.members if not each.me and each.id not in now.verified and each.trust != "verified"]
    done = [within(called(each), each.tag) for each in now.words.members if each.id in now.verified]
    rows: list[Paragraph] = [
        ((_("✓ Good: nobody sits between you."), "strong"),),
        (),
        ((_("Verified from now on: {names}.").format(names=listed(done)), ""),),
        ((_("It stays so until one of them uses another laptop, and then you are told."), "soft"),),
    ]
    if others:
        names = listed([within(called(each), each.tag) for each in others])
        rows += [(), ((_("Not verified, since they were not ticked: {names}.").format(names=names), "soft"),)]
    return tuple(rows)


def _differs() -> tuple[Paragraph, ...]:
    return (
        ((_("Good that you looked. Nobody was marked as verified."), "strong"),),
        (),
        ((_("Most often somebody has just come or gone, and a screen was behind: compare once more."), ""),),
        (),
        ((_("If the words differ again, somebody may sit between you who reads along."), "attention"),),
        ((_("Then write nothing here that has to stay among you. Make a new room, say its code aloud from person to person, "
            "and compare the words there. Another network helps too: a phone's hotspot, for example."), ""),),
    )  # fmt: skip
