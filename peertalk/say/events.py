"""What happened → one line, for plain mode, `peertalk tail`, status lines and logs of a conversation."""

from __future__ import annotations

import re
from typing import Final

from peertalk import text
from peertalk.core import events
from peertalk.core.events import AnyEvent, Message, Peer, Room
from peertalk.i18n import N_, _, ngettext
from peertalk.say.circles import code
from peertalk.say.gestures import note
from peertalk.say.names import listed, within
from peertalk.say.names import room as room_name
from peertalk.say.quiet import quiet, renamed

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
            return _of_a_circle(happened)


def _of_a_circle(happened: AnyEvent) -> str | None:
    """What invitations, comparing and rooms started anew bring."""
    match happened:
        case events.InviteUsed():
            return _("{name} came in by your code").format(name=_called(happened.peer))
        case events.InviteDead():
            return _dead(happened)
        case events.VerifyRequest():
            told = _("{name} wants to compare symbols with you, to be sure of each other: /verify {name}")
            return told.format(name=_called(happened.peer))
        case events.ReformOffer():
            return _offered(happened)
        case _:
            return None


def message(said: Message, called: str | None = None) -> str:
    """A message as one line or more: `Mira: hello`; the quiet lines as sentences. `called` is what its author is called where
    the name alone could be another's."""
    name = called or said.author.name
    if said.deleted and said.mine:
        return _("you deleted a message")
    if said.deleted:
        return _("{name} deleted a message").format(name=within(name, said.author.tag))
    return quiet(said, name) or f"{_COLON.sub(' ', name)}: {words(said)}"


def words(said: Message) -> str:
    """All that somebody says in a message: a content note and a title before its text."""
    before = (note(said.warning) if said.warning else "", said.title or "")
    return "\n".join([*filter(None, before), said.text])


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
        case "trust" if peer.trust == "verified":
            return _("{name} is verified").format(name=name)
        case "trust":
            return _("{name} is not verified").format(name=name)
        case "blocked":
            return _("{name} is blocked").format(name=name)
        case _:
            return _("{name} is not blocked any more").format(name=name)


_ROOMS: Final = {
    "joined": N_("You are in {room}."),
    "left": N_("You left {room}."),
    "forgotten": N_("{room} has forgotten what was written there, as open rooms do."),
    "words": N_("The words of {room} are others now, since somebody came, went or changed their name."),
    "sealed": N_("{room} is closed now: nobody else comes in."),
    "unsealed": N_("{room} is open again."),
    "ended": N_("The meeting in {room} is over."),
    "archived": N_("{room} has been started anew. Nothing new is written in the old one; you can still read it."),
}


def _room(room: Room, change: str) -> str | None:
    if change == "left" and not room.name:
        return _("You left the room.")
    if change == "outside":
        return outside(room) if room.outside else _("You are let into {room}.").format(room=room_name(room))
    return _(_ROOMS[change]).format(room=room_name(room)) if change in _ROOMS else None


def outside(room: Room) -> str:
    """That one stands before a closed door; it is meant for nobody."""
    told = _("{room} is closed, and you are still outside. You come in as soon as somebody inside lets you in.")
    return told.format(room=room_name(room))


_DEAD: Final = {
    "expired": N_("Your code {code} has run out."),
    "used_up": N_("Your code {code} has let in as many as it was for."),
    "guessed": N_("Your code {code} was guessed at too often, so its words let nobody in any more; its link still does."),
    "sealed": N_("The room is closed, so your code {code} lets nobody in any more."),
    "cancelled": N_("Your code {code} is taken back."),
}


def _dead(happened: events.InviteDead) -> str:
    told = _(_DEAD.get(happened.reason, N_("Your code {code} lets nobody in any more."))).format(code=code(happened.code))
    return f"{told} {_('/invite makes a fresh one.')}" if happened.fresh else told


def _offered(happened: events.ReformOffer) -> str:
    by, out = _called(happened.by), [_called(peer) for peer in happened.without]
    told = ngettext(
        "{by} has started the room anew without {names}, and asks whether you come along. /offers tells more.",
        "{by} has started the room anew without {names}, and asks whether you come along. /offers tells more.",
        len(out),
    )
    return told.format(by=by, names=listed(out))


_WARNINGS: Final = {
    "same_name_new_key": N_(
        "{name} is here with another key than before. It may be another laptop, or another person: ask aloud."
    ),
    "your_name": N_("Somebody else here is called {name}, like you. The tag behind a name tells you apart."),
    "not_invited": N_(
        "{name} came in and says that it was by an invitation of yours, but no code of yours let them in. Ask aloud who it is."
    ),
    "fork": N_("The laptop of {name} was restored from a copy, or tells different people different things."),
    "clock": N_("The clock of {name} is far off, so times beside their messages are wrong."),
    "dropped": N_("This screen could not keep up, and left some events out. Nothing is lost: open the room again."),
    "second_process": N_("Your profile is in use on another computer or by another process. Use one at a time."),
}


def warning(happened: events.Warning) -> str:
    """The sentence of a warning; `text` of the event is the name of whom it is about."""
    template = _WARNINGS.get(happened.kind)
    return _(template).format(name=text.spoken(happened.text)) if template else happened.text
