"""What happened → one line, for plain mode, `peertalk tail`, status lines and logs of a conversation."""

from __future__ import annotations

import re
from typing import Final

from peertalk import text
from peertalk.core import events
from peertalk.core.events import AnyEvent, Message, Peer, Room
from peertalk.i18n import N_, _
from peertalk.say.names import room as room_name
from peertalk.say.names import within

_COLON: Final = re.compile("[:\uff1a\ufe55\ufe13\ua789\u02d0\u02f8\u2236\ufe30]")  # in a name it would end the name


def event(happened: AnyEvent) -> str | None:
    """A line about an event, or None where there is nothing that a person needs to be told."""
    match happened:
        case events.Ready():
            return _("Ready. Others see you as {name}.").format(name=happened.identity.name)
        case events.PeerChanged():
            return _peer(happened)
        case events.RoomChanged():
            return _room(happened.room, happened.change)
        case events.MessageArrived():
            return message(happened.message)
        case events.Typing():
            return _("{name} is writing …").format(name=_called(happened.peer))
        case events.SyncProgress():
            return _("Catching up: {done} of {total}").format(done=happened.done, total=max(happened.done, happened.total))
        case events.Warning():
            return warning(happened)
        case _:
            return None


def message(said: Message, called: str | None = None) -> str:
    """A message as one line or more: `Mira: hello`; the quiet lines as sentences. `called` is what its author is called where
    the name alone could be another's."""
    name = called or said.author.name
    then = said.text if said.text and name == said.author.name else name
    tag = said.author.tag
    if said.deleted:
        return _("{name} deleted a message").format(name=within(name, tag))
    match said.kind:
        case "here":
            return _("{name} came in").format(name=within(then, tag))
        case "left":
            return _("{name} left").format(name=within(then, tag))
        case "name":
            return renamed(within(name, tag) if name != said.text else tag, within(said.text, tag))
        case _:
            return f"{_COLON.sub(' ', name)}: {said.text}"


def renamed(old: str, new: str) -> str:
    """Somebody, known by a name or a tag, has another name."""
    return _("{old} is now called {name}").format(old=old, name=new)


def _called(peer: Peer) -> str:
    return within(peer.name, peer.tag)


def _peer(happened: events.PeerChanged) -> str:
    peer, name = happened.peer, _called(happened.peer)
    match happened.change:
        case "online":
            return _("{name} is here").format(name=name)
        case "offline":
            return _("{name} is away").format(name=name)
        case "name":
            return renamed(peer.tag, name)
        case _ if peer.trust == "verified":
            return _("{name} is verified").format(name=name)
        case _:
            return _("{name} is not verified").format(name=name)


def _room(room: Room, change: str) -> str | None:
    match change:
        case "joined":
            return _("You are in {room}.").format(room=room_name(room))
        case "left" if not room.name:
            return _("You left the room.")
        case "left":
            return _("You left {room}.").format(room=room_name(room))
        case "forgotten":
            return _("{room} has forgotten what was written there, as open rooms do.").format(room=room_name(room))
        case _:
            return None


_WARNINGS: Final = {
    "same_name_new_key": N_(
        "{name} is here with another key than before. It may be another laptop, or another person: ask aloud."
    ),
    "your_name": N_("Somebody else here is called {name}, like you. The tag behind a name tells you apart."),
    "fork": N_("The laptop of {name} was restored from a copy, or tells different people different things."),
    "clock": N_("The clock of {name} is far off, so times beside their messages are wrong."),
    "dropped": N_("This screen could not keep up, and left some events out. Nothing is lost: open the room again."),
    "second_process": N_("Your profile is in use on another computer or by another process. Use one at a time."),
}


def warning(happened: events.Warning) -> str:
    """The sentence of a warning; `text` of the event is the name of whom it is about."""
    template = _WARNINGS.get(happened.kind)
    return _(template).format(name=text.spoken(happened.text)) if template else happened.text
