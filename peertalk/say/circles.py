"""Rooms behind a code: what is kept, invitations, meetings that end, rooms started anew. Lines for whoever has no screen for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from peertalk import text
from peertalk.core.events import Ended, Invite, Offer, Peer, Room
from peertalk.i18n import N_, _, ngettext
from peertalk.say.names import listed
from peertalk.say.names import room as room_name

Spelled = Callable[[str], str]
MINUTE: Final = 60_000


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


def kept(retention: Literal["forever", "session"] | int) -> str:
    """`off the record`, `30 days`, `forever`: as it stands beside a room, and as it can be typed."""
    if retention == "session":
        return _("off the record")
    if retention == "forever":
        return _("forever")
    return ngettext("{n} day", "{n} days", int(retention)).format(n=retention)


def kept_how(retention: Literal["forever", "session"] | int) -> str:
    """What that means, in a sentence."""
    if retention == "session":
        return _("Off the record: no honest laptop writes down what is said here, and when you close PeerTalk it is gone.")
    if retention == "forever":
        return _("What is said here is kept, encrypted, on the laptops of those who are in.")
    told = ngettext(
        "What is said here is kept, encrypted, on the laptops of those who are in, for {n} day.",
        "What is said here is kept, encrypted, on the laptops of those who are in, for {n} days.",
        int(retention),
    )
    return told.format(n=retention)


# ── invitations ──────────────────────────────────────────────────────────────────────────────────────────────────────


def code(written: str) -> str:
    """`7 guitar meadow comet`: a code as it is said and typed."""
    return " ".join(written.split("-"))


def invitation(invite: Invite, room: Room, now: int) -> tuple[str, ...]:
    """An invitation, to be said aloud; `now` in Unix ms."""
    said = code(invite.code)
    return (
        _("Say this to whom you want to let into {room}: {code}").format(room=room_name(room), code=said),
        _("They type: /accept {code}").format(code=said),
        lives(invite, now),
        _("Or give them this link, which works without hearing it: {link}").format(link=invite.link),
        _("/cancel takes it back."),
    )


def lives(invite: Invite, now: int) -> str:
    """How often and for how long it works."""
    minutes = max(1, round((invite.expires_at - now) / MINUTE))
    left = max(0, invite.uses - invite.used)
    time = ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
    return ngettext("It works once, for the next {time}.", "It works {n} times, for the next {time}.", left).format(
        n=left, time=time
    )


# ── the end of a meeting ─────────────────────────────────────────────────────────────────────────────────────────────

_PARTS: Final = {
    "messages": N_("what was said"),
    "members": N_("who was there"),
    "room": N_("the room"),
    "key": N_("your key for this room"),
}


def ended(what: Ended) -> tuple[str, ...]:
    """What stays on this computer, and what is gone from it."""
    lines = []
    if what.stays:
        lines.append(_("Stays on this computer: {what}.").format(what=_parts(what.stays)))
    if what.forgotten:
        lines.append(_("Gone from this computer: {what}.").format(what=_parts(what.forgotten)))
    return (*lines, _("The others decide for themselves, each on their own laptop."))


def _parts(words: list[str]) -> str:
    return listed([_(_PARTS[word]) if word in _PARTS else text.line(word) for word in words])


# ── rooms started anew ───────────────────────────────────────────────────────────────────────────────────────────────


def offer(made: Offer, spelled: Spelled = str) -> tuple[str, ...]:
    """Somebody asks to come along."""
    name, by, out = spelled(made.name), spelled(made.by.name), _names(made.without, spelled)
    lines = [_("{by} has started {room} anew without {names}.").format(by=by, room=name, names=out)]
    followers = [peer for peer in made.followers if peer.id != made.by.id]
    if followers:
        told = ngettext("{names} came along so far.", "{names} came along so far.", len(followers))
        lines.append(told.format(names=_names(followers, spelled)))
    if made.still_shared:
        shared = ", ".join("#" * name.startswith("#") + spelled(name).removeprefix("#") for name in made.still_shared)
        lines.append(_("You would still meet {names} in: {rooms}.").format(names=out, rooms=shared))
    return *lines, _("/follow comes along, /decline stays. You need not decide now.")


def _names(people: list[Peer], spelled: Spelled) -> str:
    return listed([spelled(peer.name) for peer in people])
