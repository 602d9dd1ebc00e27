"""What private rooms bring, by ear: invitations and words as they are said aloud, and news of doors, codes and rooms started anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from peertalk import commands, say, text
from peertalk.core import events
from peertalk.core.events import AnyEvent, Invite, Message, Offer, Room, Words
from peertalk.i18n import _, ngettext
from peertalk.plain.presence import several
from peertalk.plain.speech import called, title
from peertalk.say.roster import Roster

if TYPE_CHECKING:
    from peertalk.node.node import Node


# ── what a command shows ─────────────────────────────────────────────────────────────────────────────────────────────


def shown(outcome: commands.Outcome) -> tuple[str, ...]:
    """The lines of an outcome, as they are best listened to."""
    match outcome.action:
        case commands.ShowReport(report):
            return say.doctor.spoken(report)
        case commands.ShowInvite(invite, room):
            return tuple(_invitation(invite, room))
        case commands.ShowWords(words, room):
            return tuple(_words(words, room))
        case _:
            return outcome.lines


def _invitation(invite: Invite, room: Room) -> Iterator[str]:
    yield _("The code into {room} is: {code}. Say it aloud.").format(
        room=text.spoken(say.room(room)), code=", ".join(invite.code.split("-"))
    )
    yield say.lives(invite, time.time_ns() // 1_000_000)
    yield _("They type: /accept {code}").format(code=say.code(invite.code))
    yield _("/cancel takes it back.")
    yield _("The same as a link, to be copied: {link}").format(link=invite.link)


def _words(words: Words, room: Room) -> Iterator[str]:
    """One word a line, in two groups, so that it can be compared while somebody reads aloud."""
    yield from say.trust.gathering(words, text.spoken)
    yield _("The words of {room}. One person reads them aloud, the others compare:").format(room=text.spoken(say.room(room)))
    for number, word in enumerate(words.words, 1):
        if number == say.trust.GROUP + 1:
            yield _("The second half:")
        yield f"{number}: {word}"
    yield from say.trust.who_is_there(words, text.spoken)


# ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Circle:
    """Says what happens around private rooms, once each."""

    def __init__(self, node: Node, roster: Roster) -> None:
        self._node = node
        self._roster = roster
        self._compared: set[str] = set()
        self._offered: set[str] = set()
        self._outside: dict[str, set[str]] = {}

    def compares(self, room: str) -> None:
        """The words of this room were asked for: from now on it is said when they change."""
        self._compared.add(room)

    async def open_offers(self) -> list[str]:
        """Who asks one to come along, that was not said yet."""
        return [line for offer in await self._node.offers() for line in self._told(offer)]

    async def told(self, event: AnyEvent) -> list[str]:
        """What is to be said of an event."""
        match event:
            case events.ReformOffer():
                return await self.open_offers()
            case events.InviteDead(reason="cancelled"):
                return []
            case events.InviteUsed() | events.InviteDead():
                return self._with_room(event.room, say.event(event) or "")
            case events.VerifyRequest():
                known = called(self._roster, event.peer)
                return [
                    _("{name} wants to compare symbols with you, to be sure of each other: /verify {name}").format(name=known)
                ]
            case events.RoomChanged(change="members"):
                return self._waits_outside(event.room)
            case events.RoomChanged() if not self._is_news(event):
                return []
            case _:
                return [_sentence(say.event(event) or "")]

    def _is_news(self, event: events.RoomChanged) -> bool:
        """Doors are told by their quiet lines, which say who it was; what is one's own doing was said then."""
        return event.change in ("forgotten", "outside") or (event.change == "words" and event.room.id in self._compared)

    def _waits_outside(self, room: Room) -> list[str]:
        """Who has come to a closed door since this was told."""
        before, now = self._outside.get(room.id, set()), {each.id for each in room.waiting}
        self._outside[room.id] = now
        new = [called(self._roster, each) for each in room.waiting if each.id not in before]
        if not new:
            return []
        told = ngettext("{names} waits outside: /admit {name}", "{names} wait outside: /admit {name}", len(new))
        return self._with_room(room.id, told.format(names=several(new), name=new[0]))

    def _with_room(self, room: str, words: str) -> list[str]:
        """With the room in front, as it may not be the open one."""
        known = self._roster.rooms.get(room)
        return [_sentence(f"{title(self._roster, known)}: {words}" if known is not None else words)]

    def _told(self, offer: Offer) -> tuple[str, ...]:
        if offer.offer in self._offered:
            return ()
        self._offered.add(offer.offer)
        return say.offer(offer, text.spoken)

    def quiet(self, message: Message) -> list[str]:
        """What is to be said of a quiet line in the open room, other than that somebody came or went."""
        known = called(self._roster, message.author)
        told = _sentence(say.message(message, known))
        return [told, _("/end ends it for you too.")] if message.kind == "over" else [told]


def _sentence(words: str) -> str:
    """With its full stop, unless a command ends it, to be typed as it stands there."""
    if ": /" in words:
        return words
    return words if not words or words.endswith((".", "?", "!")) else f"{words}."


def standing(room: Room) -> list[str]:
    """What has to be known of a room when it is entered, besides who is there."""
    if room.archived:
        return [_("This room has been started anew. Nothing new is written here; you can still read it.")]
    told = []
    if room.outside:
        told.append(say.outside(room))
    elif room.sealed:
        told.append(_("Its door is closed: nobody else comes in."))
    if room.retention == "session":
        told.append(_("Off the record: it is gone when you close PeerTalk."))
    return told
