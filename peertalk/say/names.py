"""How things are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from peertalk import i18n, text
from peertalk.core.events import IdentityView, Room
from peertalk.i18n import _
from peertalk.say import creatures


def room(which: Room) -> str:
    """`#lobby` for an open room, the bare name of any other."""
    return f"#{which.name}" if which.kind == "open" else which.name


def readers(which: Room) -> str:
    """Who can read what is written in a room."""
    if which.kind == "direct":
        return _("only the two of you can read this")
    if which.kind == "private":
        return _("only members can read this")
    if which.name == "lobby":
        return _("open: everyone on this network can read this")
    return _("open: everyone who knows the name can read this")


def address(host: str, port: int) -> str:
    """`192.168.1.20:47000`, `[fe80::1%eth0]:47000`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def within(name: str, tag: str) -> str:
    """A name within a sentence, which it cannot end, nor begin another. The tag of the key stands behind it where it was changed."""
    words = text.spoken(name)
    return name if words == name else words if words.endswith(tag) else f"{words} · {tag}" if words else tag


def told_apart(
    people: Iterable[IdentityView], spelled: Callable[[str], str] = str, *, among: Iterable[IdentityView] = ()
) -> list[str]:
    """What these are called beside each other and `among` others: with the tag of the key where another's name looks the same."""
    people = list(people)
    names = {one.id: text.look(one.name) for one in (*among, *people)}
    shapes = Counter(names.values())
    return [f"{spelled(one.name)} · {one.tag}" if shapes[names[one.id]] > 1 else spelled(one.name) for one in people]


def listed(names: Sequence[str], last: str | None = None) -> str:
    """`Mira, Jonas and Tarek`; `last` is the word before the last one."""
    if len(names) < 2:
        return "".join(names)
    word = last or _("and")
    return f"{', '.join(names[:-1])} {word} {names[-1]}"


def made_up_name(random: Callable[[int], bytes]) -> str:
    """A friendly name for somebody who gave none, in the person's language: `Quiet Otter`, `Leiser Otter`. One of 4,096."""
    first, second = random(2)
    if i18n.language() == "de":
        stem = creatures.EIGENSCHAFTEN[first % len(creatures.EIGENSCHAFTEN)]
        animal, gender = creatures.TIERE[second % len(creatures.TIERE)]
        return f"{stem.capitalize()}{creatures.ENDINGS[gender]} {animal}"
    return f"{creatures.QUALITIES[first % len(creatures.QUALITIES)]} {creatures.ANIMALS[second % len(creatures.ANIMALS)]}"
