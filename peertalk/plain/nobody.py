"""What is said where nobody is here: what is searched for and where, and what to try. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peertalk import say
from peertalk.commands import find, usage
from peertalk.core.events import Room, Status
from peertalk.i18n import _, ngettext
from peertalk.say.names import listed

PATIENCE: Final = 5.0
"""Seconds in which nobody came after which it is said."""


def nobody_lines(room: Room, name: str, status: Status, interfaces: Sequence[tuple[str, str]]) -> list[str]:
    """The sentences for a room in which nobody else is, by its name."""
    if room.kind == "direct":
        away = _("{name} is not here right now.").format(name=name)
        return [f"{away} " + _("Write all the same: it waits here, and reaches them when you next meet on a network.")]
    first = room.name == "lobby" and room.kind == "open"
    alone = _("You are the first one here.") if first else _("You are the only one in {room} right now.").format(room=name)
    return [f"{alone} {_searching(status, interfaces)}", *_to_try(status, interfaces)]


def _searching(status: Status, interfaces: Sequence[tuple[str, str]]) -> str:
    if not status.discovery.enabled:
        return _("Searching this network is switched off. Others can connect to you.")
    if not interfaces:
        return _("This computer is in no network just now. As soon as it is, the search goes on.")
    where = listed([f"{name} {address}" for name, address in interfaces])
    return " ".join([_("Looking for people on {where}.").format(where=where), _answers(status.discovery.services_seen)])


def _answers(seen: int) -> str:
    if not seen:
        return _("Nobody has answered yet.") + " " + _("That is normal if you are the first.")
    words = ngettext("{n} other PeerTalk can be seen; reaching for it …", "{n} others can be seen; reaching for them …", seen)
    return words.format(n=seen)


def _to_try(status: Status, interfaces: Sequence[tuple[str, str]]) -> list[str]:
    connect = find("connect")
    if connect is None:
        return []
    ways = [_("You can connect to them:") + " " + usage(connect)]
    if interfaces and status.listening:
        own = say.address(interfaces[0][1], status.listening[0].port)
        ways.append(_("or they to you:") + f" /{connect.name} {own}")
    return [_("Others are here, but don't show up?") + " " + ", ".join(ways)]
