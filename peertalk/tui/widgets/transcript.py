"""The transcript: it draws a Timeline, keeps its place while things come and go, and says where it stands.

Heights of all blocks in the window are known (they are cheap to count), text is wrapped and styled only for rows that are
shown. Rows are counted from the top of the window; a window shorter than the widget sits at its lower edge.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from peertalk.core.events import Message as Said
from peertalk.tui.blocks import MEASURE, Line, Place, Speaker, height, lines, tells_day
from peertalk.tui.themes import HUES
from peertalk.tui.timeline import Item, Splice, Timeline

_STYLES = ("text", "waiting", "own", "time", "state", "quiet", "day", "new", "note", "trouble", "quote", "quote-bar")
_CACHED = 500
FAR = 50
"""So far up it is looked for what tells the day, above what was written by clocks that are far off."""
HIDDEN = 80


@dataclass(slots=True)
class _Rendered:
    """A block as it is drawn. It holds its item, so that the item's id() stays its own."""

    item: Item
    lines: list[Line]
    strips: dict[int, Strip]


class Transcript(ScrollView, can_focus=False):
    """Shows `timeline`. Tell it of each change with `follow(splice)`, of another room with `show`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"transcript--{name}" for name in _STYLES} | {
        f"transcript--name-{number}" for number in range(HUES)
    }

    class OlderWanted(Message):
        """The top of the window comes into sight, and the store has more."""

    class Moved(Message):
        """It reached or left the end, or something new came below what is shown (`below` counts it)."""

        def __init__(self, at_end: bool, below: int) -> None:
            super().__init__()
            self.at_end = at_end
            self.below = below

    def __init__(self, speaker: Speaker, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.timeline = Timeline()
        self.at_end = True
        self.below = 0
        self.first_unread: Item | None = None
        self._speaker = speaker
        self._asked = False
        self._fresh = False
        self._width = 0
        self._heights: list[int] = []
        self._ends: list[int] = []
        self._rendered: LRUCache[int, _Rendered] = LRUCache(_CACHED)

    # ── what the screen tells it ─────────────────────────────────────────────────────────────────────────────────────

    def show(self, timeline: Timeline, first_unread: Item | None = None) -> None:
        """Show another timeline, from its end or from the unread line if that is further up."""
        self.timeline = timeline
        self.first_unread = first_unread
        self.at_end, self.below, self._asked = True, 0, False
        self._fresh = True
        self._measure()
        self._settle()
        self._tell()

    def _settle(self) -> None:
        """Take the place to begin at, as soon as there is a size."""
        if not self.size.height:
            return
        self._to_end()
        top = self._top_of(self._index_of(self.first_unread)) if self.first_unread is not None and self._fresh else None
        self._fresh = False
        if top is not None and top < self.scroll_offset.y:
            self._go(top)

    def follow(self, splice: Splice) -> None:
        """Take over one change of the timeline. What is shown stays where it is, or at the end if it was there."""
        anchor = self._anchor(splice)
        last = splice.at + splice.gone == len(self._heights)
        self._splice(splice)
        if splice.at == 0 and splice.come:
            self._asked = False
        if self.at_end:
            self._to_end()
        elif anchor is not None:
            self._go(self._top_of(anchor[0]) + anchor[1])
        if last and splice.come > splice.gone and not self.at_end:
            self.below += splice.come - splice.gone
            self._tell()
        self.refresh()

    def clear_unread(self) -> None:
        """Take the unread line away."""
        if self.first_unread is not None:
            index = self._index_of(self.first_unread)
            self.first_unread = None
            self.follow(Splice(index, 1, 1))

    def mark_unread(self, item: Item) -> None:
        """Draw the unread line over `item`, unless there is one already."""
        if self.first_unread is None:
            self.first_unread = item
            self.follow(Splice(self._index_of(item), 1, 1))

    def redraw(self) -> None:
        """Names or words have changed: draw everything anew."""
        self._rendered.clear()
        self.refresh()

    def go_to_end(self) -> None:
        """Show the newest, and stay there."""
        self.at_end = True
        self._to_end()
        self._arrived_at_end()

    # ── geometry ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _room(self) -> int:
        """Columns for text: one stays free before the scroll bar. While nothing is shown, as many as there were."""
        return self.scrollable_content_region.width - 1 if self.size.width > 1 else self._width or HIDDEN

    @property
    def _padding(self) -> int:
        """Empty rows over a window that is shorter than the widget."""
        return max(0, self.scrollable_content_region.height - self._total)

    @property
    def _total(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _place(self, index: int) -> Place:
        items = self.timeline.items
        above = items[index - 1] if index else None
        below = items[index + 1] if index + 1 < len(items) else None
        dated = next((items[i] for i in range(index - 1, max(index - 1 - FAR, -1), -1) if tells_day(items[i])), None)
        return Place(above, below, self._is(items[index], self.first_unread), dated)

    @staticmethod
    def _is(item: Item, wanted: Item | None) -> bool:
        """Is it that one, as it is by now?"""
        return item is wanted or (isinstance(item, Said) and isinstance(wanted, Said) and item.id == wanted.id)

    def _measure(self) -> None:
        """Count all rows anew."""
        self._width = self._room
        self._rendered.clear()
        self._heights = [height(item, self._place(index), self._width) for index, item in enumerate(self.timeline.items)]
        self._ends = list(accumulate(self._heights))
        self._resize()

    def _splice(self, splice: Splice) -> None:
        """Count the rows of what changed, and of the items after it whose heads may change: up to the next that tells the day."""
        items, at, after = self.timeline.items, splice.at, splice.at + splice.come
        self._heights[at : at + splice.gone] = [height(items[i], self._place(i), self._width) for i in range(at, after)]
        known = min(len(items), len(self._heights))  # a splice may be followed by another one that is in `items` already
        end = min(known, after + FAR)
        end = next((i + 1 for i in range(after, end) if tells_day(items[i])), end)
        self._heights[after:end] = [height(items[i], self._place(i), self._width) for i in range(after, end)]
        for index in range(max(0, at - 1), min(max(end, after + 1), len(items))):
            self._rendered.discard(id(items[index]))
        self._ends[at:] = accumulate(self._heights[at:], initial=self._ends[at - 1] if at else 0)
        del self._ends[at]
        self._resize()

    def _resize(self) -> None:
        self.virtual_size = Size(self._width, self._total)

    def _top_of(self, index: int) -> int:
        return self._ends[index - 1] if 0 < index <= len(self._ends) else 0

    def _index_of(self, item: Item) -> int:
        return next((i for i in range(len(self.timeline.items) - 1, -1, -1) if self._is(self.timeline.items[i], item)), 0)

    def _anchor(self, splice: Splice) -> tuple[int, int] | None:
        """(index after the splice, rows into it) of the item at the top edge."""
        top = self.scroll_offset.y
        index = bisect_right(self._ends, top)
        if index >= len(self._ends):
            return None
        into = top - self._top_of(index)
        if index >= splice.at + splice.gone:
            return index + splice.come - splice.gone, into
        return (index, into) if index < splice.at else (min(index, splice.at + splice.come), into if splice.come else 0)

    def _go(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, force=True)

    def _to_end(self) -> None:
        self._go(self.max_scroll_y)

    # ── where it stands ──────────────────────────────────────────────────────────────────────────────────────────────

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self.size.height:
            return
        at_end = round(new_value) >= self.max_scroll_y
        if at_end and not self.at_end:
            self._arrived_at_end()
        elif self.at_end and not at_end:
            self.at_end = False
            self._tell()
        if new_value < 2 * self.size.height and self.timeline.more and not self._asked:
            self._asked = True
            self.post_message(self.OlderWanted())

    def _arrived_at_end(self) -> None:
        self.at_end, self.below = True, 0
        for splice in self.timeline.trim():
            self.follow(splice)
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Moved(self.at_end, self.below))

    def on_resize(self, _event: Resize) -> None:
        at_end, anchor = self.at_end, self._anchor(Splice(0, 0, 0))
        if self._room != self._width:
            self._measure()
        if at_end:
            self._settle()
        elif anchor is not None:
            self._go(self._top_of(anchor[0]) + anchor[1])

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._rendered.clear()

    def selection_updated(self, selection: Selection | None) -> None:
        super().selection_updated(selection)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y - self._padding
        if not 0 <= row < self._total:
            return Strip.blank(self.size.width, self.rich_style)
        index = bisect_right(self._ends, row)
        rendered = self._render_block(index)
        number = row - self._top_of(index)
        if number not in rendered.strips:
            rendered.strips[number] = self._strip(rendered.lines[number])
        return self._selected(rendered.strips[number], row).apply_offsets(0, row)

    def _render_block(self, index: int) -> _Rendered:
        item = self.timeline.items[index]
        rendered = self._rendered.get(id(item))
        if rendered is None:
            rendered = _Rendered(item, lines(item, self._place(index), self._width, self._speaker), {})
            self._rendered[id(item)] = rendered
        return rendered

    def _strip(self, line: Line) -> Strip:
        left = [Segment(text, self._style(style)) for text, style in line.left]
        right = [Segment(text, self._style(style)) for text, style in line.right]
        width = min(self._width, MEASURE)
        gap = width - sum(segment.cell_length for segment in (*left, *right))
        if right and gap > 0:
            left.append(Segment(" " * gap, self.rich_style))
        return Strip([*left, *right]).extend_cell_length(self.size.width, self.rich_style)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"transcript--{name}")

    # ── copying ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _selected(self, strip: Strip, row: int) -> Strip:
        """The strip with the marked part of the row in the colours of a selection."""
        selection = self.text_selection
        span = selection.get_span(row) if selection is not None else None
        if span is None:
            return strip
        start, end = span
        text = strip.text
        cut = Strip([Segment(text[:start])]).cell_length, Strip([Segment(text[: end if end >= 0 else None])]).cell_length
        before, marked, after = (strip.crop(0, cut[0]), strip.crop(*cut), strip.crop(cut[1], strip.cell_length))
        colours = self.screen.get_component_rich_style("screen--selection", partial=True)
        coloured = Strip([Segment(part, (style or Style()) + colours) for part, style, _control in marked])
        return Strip.join([before, coloured, after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What is marked, as text: paragraphs in one piece, however they are wrapped."""
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else self._total - 1
        text = ""
        for row, line in self._lines(max(first, 0), min(last, self._total - 1)):
            span = selection.get_span(row)
            if span is not None:
                part = line.text[span[0] : span[1] if span[1] >= 0 else None].rstrip()
                text += (" " if line.joins else "\n") + part if text else part
        return (text, "\n") if text else None

    def _lines(self, first: int, last: int) -> Iterator[tuple[int, Line]]:
        for row in range(first, last + 1):
            index = bisect_right(self._ends, row)
            yield row, self._render_block(index).lines[row - self._top_of(index)]
