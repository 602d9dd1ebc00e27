"""Somebody has started a room anew without somebody: what that means, and the two ways to go on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from peertalk import text
from peertalk.commands.questions import AskChoice, Choice, Question
from peertalk.core.events import IdentityView, Offer
from peertalk.i18n import _, ngettext
from peertalk.say.names import listed, within
from peertalk.say.roster import Roster


def question(offer: Offer, roster: Roster) -> AskChoice:
    """Come along, or stay; Esc leaves it for later."""
    name, by = text.spoken(offer.name) or offer.name, _names([offer.by], roster)
    title = _("{by} has started {room} anew without {names}.").format(by=by, room=name, names=_names(offer.without, roster))
    why = "\n\n".join(filter(None, [_followers(offer, roster), _shared(offer, roster)]))
    return AskChoice(Question(title, why, _("A room started anew")), _choices(offer, roster), back=_("decides later"))


def _choices(offer: Offer, roster: Roster) -> list[Choice]:
    out = _names(offer.without, roster)
    told = ngettext(
        "You write in the new room from now on. What was written before stays readable. {names} sees you leave, and nothing more.",
        "You write in the new room from now on. What was written before stays readable. {names} see you leave, and nothing more.",
        len(offer.without),
    )
    stay = _("You stay in the old room with {names} and whoever else stays. Nobody is told, and you are not asked again.")
    return [
        Choice("follow", _("Come along"), told.format(names=out)),
        Choice("decline", _("Stay"), stay.format(names=out)),
    ]


def _followers(offer: Offer, roster: Roster) -> str:
    others = [peer for peer in offer.followers if peer.id != offer.by.id]
    if not others:
        return _("Nobody else came along yet.")
    names = _names(others, roster)
    return ngettext("{names} came along so far.", "{names} came along so far.", len(others)).format(names=names)


def _shared(offer: Offer, roster: Roster) -> str:
    if not offer.still_shared:
        return ""
    rooms = listed(["#" * name.startswith("#") + (text.spoken(name) or name) for name in offer.still_shared])
    names = _names(offer.without, roster)
    return _("You still share this with {names}: {rooms}.").format(names=names, rooms=rooms)


def _names(people: Sequence[IdentityView], roster: Roster) -> str:
    return listed([within(roster.called(each), each.tag) for each in people])
