"""One item of the transcript → its lines: what stands above it (day, unread line, author), its text, its state. Pure.

The height of a block never depends on the state of its message, so that a delivery moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from rich.cells import cell_len

from peertalk import say
from peertalk.core.events import Author, Message
from peertalk.i18n import _
from peertalk.text import spoken
from peertalk.tui import said
from peertalk.tui.said import Part
from peertalk.tui.themes import hue
from peertalk.tui.timeline import Item, Note, is_speech
from peertalk.tui.wrap import fit, wrap

MEASURE = 100  # Longer lines are tiring to read.
STATE = 13  # Room for the state beside an own message, e.g. "✓ everyone".
GROUP = 10 * 60_000  # Messages of one author this close together (ms) share one line with the name.

Head = Literal["blank", "day", "split", "new", "author"]


@dataclass(frozen=True, slots=True)
class Line:
    """One row: parts from the left, and parts that end at the right edge of the measure. `joins` the row above when copied."""

    left: tuple[Part, ...]
    right: tuple[Part, ...] = ()
    joins: bool = False

    @property
    def text(self) -> str:
        return "".join(part for part, _style in self.left)


@dataclass(frozen=True, slots=True)
class Speaker:
    """What a block has to ask for: how somebody is called here, the words for a state and for gestures, who one is, what time it
    is (ms)."""

    name: Callable[[Author], str]
    state: Callable[[Message], str]
    gestures: Callable[[Message], str]
    is_me: Callable[[Author], bool]
    now: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: after `above`, before `below`, with the unread line over it or not. `dated` is the last one above it that
    tells the day, where that is not `above`."""

    above: Item | None
    below: Item | None
    first_unread: bool = False
    dated: Item | None = None


def heads(item: Item, place: Place) -> tuple[Head, ...]:
    """What stands over an item."""
    above = place.above
    parts: list[Head] = []
    dated = place.dated or above
    if dated is None or (day(dated) != day(item) and tells_day(item)):
        parts += ["blank", "day"]
    if item.after_split and not (above is not None and above.after_split):
        parts += ["blank", "split"]
    if place.first_unread:
        parts += ["blank", "new"]
    if is_speech(item):
        if parts or not _continues(item, above):
            parts += ["blank", "author"]
    elif parts or isinstance(item, Note) or isinstance(above, Note) or is_speech(above):
        parts.append("blank")
    return tuple(parts[1:] if above is None else parts)


def height(item: Item, place: Place, width: int) -> int:
    """How many rows `lines` gives."""
    over = len(heads(item, place))
    if isinstance(item, Message) and not is_speech(item):
        return over + 1
    if isinstance(item, Note):
        return over + len(wrap(item.text, _room(item, width)))
    return over + said.beside(item) + len(wrap(said.words(item), _room(item, width)))


def lines(item: Item, place: Place, width: int, speaker: Speaker) -> list[Line]:
    """All rows of an item, the top one first."""
    width = min(width, MEASURE)
    over = heads(item, place)
    state = _state(item, place, speaker)
    rows = [_head(head, item, width, speaker, state) for head in over]
    if isinstance(item, Note):
        return rows + _note(item, width)
    if not is_speech(item):
        return [*rows, Line(((fit(f"· {say.message(item, speaker.name(item.author))} ·", width), "quiet"),))]
    return [
        *rows,
        *(Line(parts) for parts in said.above(item, width - STATE, speaker)),
        *_speech(item, width, () if "author" in over else state),
        *(Line(parts) for parts in said.below(item, width, speaker)),
    ]


def day(item: Item) -> int:
    """The local day of an item, as a number; 0 for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(item.time / 1000).toordinal()  # noqa: DTZ006 (the person's own clock)
    except (OverflowError, OSError, ValueError):
        return 0


def tells_day(item: Item) -> bool:
    """Not what was written by a clock that is far off."""
    return not (isinstance(item, Message) and item.clock)


def _continues(item: Item, above: Item | None) -> bool:
    if not (isinstance(item, Message) and isinstance(above, Message) and is_speech(above)):
        return False
    same = above.author.id == item.author.id and above.author.via == item.author.via
    return same and not item.late and not above.late and item.clock == above.clock and abs(item.time - above.time) < GROUP


def _room(item: Item, width: int) -> int:
    width = min(width, MEASURE)
    if isinstance(item, Note):
        return width - 2
    return width - STATE if item.mine else width


def _state(item: Item, place: Place, speaker: Speaker) -> tuple[Part, ...]:
    """The words for an own message's state, to stand at the right; none where the next one below it says the same."""
    if not (isinstance(item, Message) and item.mine and is_speech(item)):
        return ()
    words = speaker.state(item)
    below = place.below
    if isinstance(below, Message) and below.mine and _continues(below, item) and speaker.state(below) == words:
        return ()
    return ((words, "state"),)


def _head(head: Head, item: Item, width: int, speaker: Speaker, state: tuple[Part, ...]) -> Line:
    if head == "author" and isinstance(item, Message):
        return _author(item, width, speaker, state)
    if head == "day":
        words = fit(say.day(item.time, speaker.now()), width)
        return Line(((" " * ((width - cell_len(words)) // 2) + words, "day"),))
    if head in ("new", "split"):
        words = fit(f"── {_('new') if head == 'new' else _('after the split')} ", width)
        return Line(((words + "─" * (width - cell_len(words)), "new" if head == "new" else "day"),))
    return Line(())


def _author(item: Message, width: int, speaker: Speaker, state: tuple[Part, ...]) -> Line:
    small = [] if item.late or item.clock else [say.clock(item.time)]
    if not item.mine:
        small += filter(None, [speaker.state(item)])
    if item.author.via:
        small.append(_("passed on by {name}").format(name=spoken(item.author.via)))
    details = "  " + "  ".join(small)
    name = fit(_("you") if item.mine else speaker.name(item.author), max(width // 2, width - cell_len(details)))
    details = fit(details, width - cell_len(name))
    style = "own" if item.mine else f"name-{hue(item.author.id)}"
    room = width - cell_len(name) - cell_len(details) - 2
    return Line(((name, style), (details, "time")), tuple((fit(words, room), kind) for words, kind in state))


def _speech(item: Message, width: int, state: tuple[Part, ...]) -> list[Line]:
    style = "waiting" if item.state == "waiting" else "text"
    rows: list[Line] = []
    for paragraph in said.words(item).split("\n"):
        for number, text in enumerate(wrap(paragraph, _room(item, width))):
            beside = _beside(text, width, state) if not rows else ()
            rows.append(Line(((text, style),), beside, joins=number > 0))
    if item.edited:
        rows[-1] = replace(rows[-1], left=said.marked(rows[-1].text, style))
    return rows


def _beside(text: str, width: int, state: tuple[Part, ...]) -> tuple[Part, ...]:
    """The state at the end of a row of text: in full where it fits, else its mark."""
    room = width - cell_len(text) - 2
    return tuple((words if cell_len(words) <= room else fit(words.partition(" ")[0], STATE - 1), kind) for words, kind in state)


def _note(item: Note, width: int) -> list[Line]:
    return [Line((("▏ ", item.kind), (text, item.kind))) for text in wrap(item.text, _room(item, width))]
