"""Being sure of people, in words: the words of a room, seven symbols, and what is known of somebody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from peertalk.core.events import Emoji, Member, Peer, Room, Trust, Words
from peertalk.i18n import N_, _, ngettext
from peertalk.say.names import listed, told_apart
from peertalk.say.names import room as room_name
from peertalk.say.times import day, moment

Spelled = Callable[[str], str]
GROUP: Final = 5
"""Room words in one breath."""

_TRUST: Final[Mapping[Trust, str]] = {
    "new": N_("new: met here for the first time"),
    "known": N_("known: has been here before with the same key"),
    "verified": N_("verified: you have compared, and it is this person's key"),
}


def level(known: Trust) -> str:
    """How sure one can be of somebody."""
    return _(_TRUST[known])


# ── a room ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def room_words(words: Words, room: Room, spelled: Spelled = str) -> tuple[str, ...]:
    """The ten words, numbered in two groups; before them what speaks against comparing now, behind them what to do."""
    groups = [words.words[start : start + GROUP] for start in range(0, len(words.words), GROUP)]
    rows = [
        "  ".join(f"{number} {word}" for number, word in enumerate(group, 1 + GROUP * place))
        for place, group in enumerate(groups)
    ]
    return (
        *gathering(words, spelled),
        _("The words of {room}. One person reads them aloud, the others compare:").format(room=room_name(room)),
        *rows,
        *who_is_there(words, spelled),
    )


def gathering(words: Words, spelled: Spelled = str) -> tuple[str, ...]:
    """What speaks against comparing now, if anything does."""
    if words.differ:
        names = listed(told_apart(words.differ, spelled, among=words.members))
        told = ngettext(
            "{names} sees other people in this room than you do, so the words cannot be the same. Look at /who together.",
            "{names} see other people in this room than you do, so the words cannot be the same. Look at /who together.",
            len(words.differ),
        )
        return (told.format(names=names),)
    return (
        (_("Not everybody sees the same people yet, so these words may still change. Wait a moment."),)
        if words.gathering
        else ()
    )


def who_is_there(words: Words, spelled: Spelled = str) -> tuple[str, ...]:
    """For how many people these words stand, and what to do if they are the same, or not."""
    names = told_apart((member for member in words.members if not member.me), spelled, among=words.members)
    count = ngettext("They stand for {n} person: {names}.", "They stand for {n} people: {names}.", 1 + len(names))
    return (
        count.format(n=1 + len(names), names=listed([_("you"), *names])),
        _("All the same? Then say who is really there: /present NAME, NAME, or /present all."),
        _("Another word, or a name too many? Then write nothing in confidence here, and find out together why: /who"),
    )


# ── two people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def symbols(emoji: Emoji, name: str) -> tuple[str, ...]:
    """Seven symbols, by their names."""
    return (
        _("Seven symbols for {name} and you. Ask {name}, best face to face: are they the same, in this order?").format(
            name=name
        ),
        ", ".join(f"{number} {each.name}" for number, each in enumerate(emoji.emoji, 1)) + ".",
        _("If all are: /same {name}. If one is not: /different {name}").format(name=name),
    )


def compared(name: str, *, same: bool) -> tuple[str, ...]:
    """What follows from the answer."""
    if same:
        return (_("{name} is verified now: it is their key, and nobody sits in between.").format(name=name),)
    return (
        _("{name} is not verified. Somebody may sit between you, or one of you was comparing with somebody else.").format(
            name=name
        ),
        _("Try once more, face to face. If they differ again, say nothing in confidence over this network."),
    )


def whois(peer: Peer, ties: Mapping[str, Member], spelled: Spelled = str) -> tuple[str, ...]:
    """What is known of somebody; `ties` are what they are in each room that one shares with them, by its name."""
    lines = [f"{spelled(peer.name)} · {peer.tag}: {_('here') if peer.online else _('away')}", level(peer.trust)]
    if peer.blocked:
        lines.append(_("You have blocked them."))
    if peer.since is not None:
        lines.append(_("Met first on {day}, {time}.").format(day=day(peer.since, peer.since), time=moment(peer.since)))
    lines.append(_("Key: {key}").format(key=peer.fingerprint))
    for room, tie in ties.items():
        lines.append(_("In {room}: {how}").format(room=room, how=_tie(tie, spelled)))
    return tuple(lines)


def _tie(member: Member, spelled: Spelled) -> str:
    ways = []
    if member.via:
        ways.append(_("known through {name}").format(name=spelled(member.via)))
    if member.invited_by:
        ways.append(_("invited by {name}").format(name=spelled(member.invited_by)))
    return ", ".join(ways) or _("known directly")
