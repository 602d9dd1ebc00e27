"""The quiet lines of a room: who came, went, closed it, let somebody in, came along. Nobody can type them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peertalk.core.events import IdentityView, Message
from peertalk.i18n import N_, _
from peertalk.say.names import listed, within

NAMED: Final = 12
"""Of more people only so many are named: a circle is, a workshop is not read out."""

_SENTENCES: Final = {
    ("here", False): N_("{name} came in"),
    ("here", True): N_("{name} came in, invited by {names}"),
    ("left", False): N_("{name} left"),
    ("seal", False): N_("{name} closed the room"),
    ("seal", True): N_("{name} closed the room; inside: {names}"),
    ("unseal", False): N_("{name} opened the room again"),
    ("admit", True): N_("{name} lets {names} in"),
    ("follow", False): N_("{name} came along"),
    ("follow", True): N_("{name} came along, without {names}"),
    ("over", False): N_("{name} has ended the meeting for themselves"),
}
"""By kind, and by whether the line speaks of others."""
_AS_THEN: Final = ("here", "left")
"""Kinds that call their author as they were called then."""


def quiet(said: Message, called: str) -> str | None:
    """The sentence of a quiet line, without a full stop; None for what is none. `called` is what its author is called."""
    tag = said.author.tag
    if said.kind == "name":
        return renamed(within(called, tag) if called != said.text else tag, within(said.text, tag))
    template = _SENTENCES.get((said.kind, bool(said.about))) or _SENTENCES.get((said.kind, False))
    as_then = said.kind in _AS_THEN and said.text and called == said.author.name
    name = within(said.text if as_then else called, tag)
    return _(template).format(name=name, names=_named(said.about)) if template else None


def renamed(old: str, new: str) -> str:
    """Somebody, known by a name or a tag, has another name."""
    return _("{old} is now called {name}").format(old=old, name=new)


def _named(people: Sequence[IdentityView]) -> str:
    names = [within(each.name, each.tag) for each in people[:NAMED]]
    beyond = len(people) - len(names)
    return listed([*names, _("{n} more").format(n=beyond)] if beyond else names)
