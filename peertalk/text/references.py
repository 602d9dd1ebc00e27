"""Names as people write them when they mean somebody: `Mira`, `@mira`, `"Quiet Otter"`, `k3f9`, `Sam · k3f9`, or a whole id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from peertalk.errors import RequestError
from peertalk.text.lookalikes import look
from peertalk.text.shown import spoken


class Named(Protocol):
    """Somebody with a name, the tag of a key, and an id."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def tag(self) -> str: ...


Somebody = TypeVar("Somebody", bound=Named)


def compared(wanted: str) -> str:
    """A name as it is compared: as it is spoken, without @ or quotes, case, extra spaces, or spaces around the dot before a tag."""
    return " ".join(spoken(wanted.strip().removeprefix("@").strip("\"'“”„").casefold().replace("·", " ")).split())


def spellings(one: Named) -> tuple[str, ...]:
    """Everything that means this one, as `compared`: the name, also without its spaces; the tag; both; the id."""
    name, tag = compared(one.name), one.tag.casefold()
    return name, name.replace(" ", ""), tag, f"{name} {tag}", f"{name.replace(' ', '')} {tag}", one.id


def meant(wanted: str, among: Iterable[Somebody]) -> list[Somebody]:
    """Those of `among` whom `wanted` could mean. A name alone could mean anybody whose name looks the same."""
    key, known = compared(wanted), list(among)
    found = {one.id for one in known if key in spellings(one)}
    shapes = {look(one.name) for one in known if key in spellings(one)[:2]}
    return [one for one in known if one.id in found or look(one.name) in shapes]


def pick(wanted: str, among: Iterable[Somebody]) -> Somebody:
    """The one who is meant. RequestError unknown_peer, ambiguous_name (with candidates)."""
    found = meant(wanted, among)
    if not found:
        raise RequestError("unknown_peer", peer=wanted)
    if len(found) > 1:
        candidates = tuple(sorted(f"{one.name} · {one.tag}" for one in found))
        raise RequestError("ambiguous_name", name=found[0].name, candidates=candidates)
    return found[0]
