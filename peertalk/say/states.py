"""The small words of a message: true ones."""

from __future__ import annotations

from collections.abc import Mapping

from peertalk.core.events import Message, Room
from peertalk.i18n import _
from peertalk.say.names import listed
from peertalk.say.times import moment


def state(message: Message, room: Room, names: Mapping[str, str] | None = None, *, ascii: bool = False) -> str:  # noqa: A002 (named as the option is)
    """What stands small beside a message; "" if there is nothing to say. `names` are people's names by id.

    With `ascii` in words alone, as plain mode and a screen reader want it."""
    if message.deleted:
        return _("deleted by you") if message.mine else _("deleted by {name}").format(name=message.author.name)
    words = [_delivery(message, room, names or {}, words_only=ascii)] if message.mine else []
    if message.edited:
        words.append(_("edited"))
    return (", " if ascii else " · ").join(word for word in (*words, *_times(message)) if word)


def marks(message: Message) -> str:
    """What else is to be known of a message, whoever reads it; "" if there is nothing."""
    edited = [_("edited")] if message.edited else []
    return ", ".join([*edited, *_times(message)])


def _times(message: Message) -> list[str]:
    if message.clock:  # then the time that it tells is no time
        return [_("late"), clock_words(message)] if message.late else [clock_words(message)]
    return [_("late: written {time}").format(time=moment(message.time))] if message.late else []


def clock_words(message: Message) -> str:
    """That the clock of a message's author is far off; "" where it is not."""
    told = {"ahead": _("their clock is ahead"), "behind": _("their clock is behind")}
    return told[message.clock] if message.clock else ""


def _delivery(message: Message, room: Room, names: Mapping[str, str], *, words_only: bool) -> str:
    """Who has an own message. "Everyone" are those who are members now, besides oneself."""
    others = max(room.members - 1, 0)
    have = len(message.delivered_to)
    if have and have >= others:
        return _everyone(room, words_only=words_only)
    if have:
        told = _("{have} of {all} have it") if words_only else "✓ {have}/{all}"
        return told.format(have=have, all=others)
    if message.held_by:
        return _in_memory(message, others, names)
    mark = "" if words_only else "⏳ "
    if others and room.online > 1:
        return mark + _("on its way")
    return mark + _("waiting until someone is here")


def _everyone(room: Room, *, words_only: bool) -> str:
    if room.kind == "direct":
        return _("delivered") if words_only else _("✓ delivered")
    return _("everyone has it") if words_only else _("✓ everyone")


def _in_memory(message: Message, others: int, names: Mapping[str, str]) -> str:
    """Held, but on no disk: when those programs end it is gone."""
    known = [names[id] for id in message.held_by if id in names]
    if len(message.held_by) >= max(others, 2):
        return _("with everyone, kept by nobody")
    if len(known) == len(message.held_by):
        return _("with {names}, kept by nobody").format(names=listed(known))
    return _("with {n} of {all}, kept by nobody").format(n=len(message.held_by), all=others)
