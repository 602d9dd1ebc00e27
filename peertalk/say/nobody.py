"""What is said where nobody is here: what is searched for and where, what the doctor found, and what to try. Sentences as data: the
empty page draws them, plain mode says them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from peertalk.core.events import Report, Room, Status
from peertalk.i18n import _, ngettext
from peertalk.say import doctor
from peertalk.say.names import address
from peertalk.say.names import room as room_name

PATIENCE: Final = 5.0
"""Seconds without an answer after which it says what to try, whatever is known."""
MOST: Final = 3
"""How many interfaces it names."""
_NOTHING_TO_SAY: Final = ("well", "connecting")
_ADDRESS_HELPS: Final = ("alone", "filtered", "search_off", "vpn", "multicast_blocked", "maybe_isolated")
_SAID_BEFORE: Final = ("no_interface", "search_off")

Interfaces = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Way:
    """Something to try: `why`, and a command (its id) with its argument; without one, as its usage says."""

    why: str
    command: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: one sentence, or the beginning of one that `places` (interface and address) ends. `answers`: what came of it;
    `seen` says whether that is good news."""

    sentence: str
    places: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Nobody:
    """`verdict` and `remedy` are what the doctor found and the first thing to do about it, as far as `search` does not say it already;
    `failed`: something is wrong. `question` stands over the `ways`, if there is more than one."""

    first: str
    search: Search
    verdict: str = ""
    remedy: str = ""
    failed: bool = False
    question: str = ""
    ways: tuple[Way, ...] = ()


def nobody(room: Room, status: Status, interfaces: Interfaces, seconds: float, report: Report | None = None) -> Nobody:
    """For an open or private room in which nobody else has been for so many seconds. `report`: what the doctor found meanwhile."""
    told = report if report is not None and is_worth_telling(report.verdict, seconds) else None
    late = seconds >= PATIENCE
    failed = told is not None and told.verdict not in doctor.WELL
    first, search = _first(room, failed=failed), _searching(status, interfaces, answers=told is None, late=late)
    question, ways = _to_try(status, interfaces, told.verdict if told is not None else None) if told or late else ("", ())
    if told is None:
        return Nobody(first, search, question=question, ways=ways)
    verdict = "" if told.verdict in _SAID_BEFORE else doctor.verdict(told)
    remedy = next(iter(doctor.advice(told)), "")
    return Nobody(first, search, verdict, remedy, failed, question, ways)


def in_passing(report: Report) -> tuple[str, Way]:
    """What the doctor found and the first thing to do about it, and where there is more, for where there is something else to read."""
    return " ".join((doctor.verdict(report), *doctor.advice(report)[:1])), _more()


def partner_away(name: str) -> tuple[str, str]:
    """For a direct room: that the other one is not here, and what becomes of what one writes."""
    away = _("{name} is not here right now.").format(name=name)
    return away, _("Write all the same: it waits here, and reaches them when you next meet on a network.")


def is_worth_telling(verdict: str, seconds: float) -> bool:
    """What is wrong is said as soon as it is known; that nobody answers, once somebody has had the time to."""
    return verdict not in doctor.WELL or (verdict not in _NOTHING_TO_SAY and seconds >= PATIENCE)


def _more() -> Way:
    return Way(_("All that was looked at:"), "doctor")


def _first(room: Room, *, failed: bool) -> str:
    if failed:
        return _("Nobody else is here yet.")  # perhaps they are, and cannot be reached
    if room.name == "lobby" and room.kind == "open":
        return _("You are the first one here.")
    return _("You are the only one in {room} right now.").format(room=room_name(room))


def _searching(status: Status, interfaces: Interfaces, *, answers: bool, late: bool) -> Search:
    if not status.discovery.enabled:
        return Search(_("Searching this network is switched off. Others can connect to you."))
    if not interfaces:
        return Search(_("This computer is in no network just now. As soon as it is, the search goes on."))
    firsts = dict(reversed(interfaces))  # one address of each is enough to know it by
    names = list(dict.fromkeys(name for name, _address in interfaces))[:MOST]
    seen = status.discovery.services_seen
    came = _answers(seen, late=late) if answers else ()
    return Search(_("Looking for people on"), tuple(f"{name}  {firsts[name]}" for name in names), came, bool(seen))


def _answers(seen: int, *, late: bool) -> tuple[str, ...]:
    if seen:
        words = ngettext(
            "{n} other PeerTalk can be seen; reaching for it …", "{n} others can be seen; reaching for them …", seen
        )
        return (words.format(n=seen),)
    return (_("Nobody has answered yet."), _("That is normal if you are the first.")) if late else ()


def _to_try(status: Status, interfaces: Interfaces, verdict: str | None) -> tuple[str, tuple[Way, ...]]:
    more = _more()
    if verdict is not None and verdict not in _ADDRESS_HELPS:
        return "", (more,)
    ways = [Way(_("You can connect to them:"), "connect")]
    port = status.listening[0].port if status.listening else 0
    if interfaces and port:
        ways.append(Way(_("or they to you:"), "connect", address(interfaces[0][1], port)))
    return _("Others are here, but don't show up?"), (*ways, more)
