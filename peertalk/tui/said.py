"""What belongs to a message beside its words: above them what it answers, its content note and title; behind them that they were edited,
and gestures. Pure; each is one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from peertalk import say
from peertalk.core.events import Message
from peertalk.i18n import _
from peertalk.tui.wrap import fit

if TYPE_CHECKING:
    from peertalk.tui.blocks import Speaker

Part = tuple[str, str]
"""A text and the name of its style."""
Row = tuple[Part, ...]


def beside(item: Message) -> int:
    """How many rows `above` and `below` give."""
    title = item.title is not None or item.replies is not None
    return (item.reply_to is not None) + (item.warning is not None) + title + bool(item.reactions)


def above(item: Message, width: int, speaker: Speaker) -> list[Row]:
    """What is to be known before the words."""
    rows: list[Row] = []
    if item.reply_to is not None:
        rows.append((("┃ ", "quote-bar"), (fit(_answered(item, speaker), width - 2), "quote")))
    if item.warning is not None:
        rows.append(((fit(say.note(item.warning), width), "quiet"),))
    if item.title is not None or item.replies is not None:
        rows.append(_title(item, width))
    return rows


def below(item: Message, width: int, speaker: Speaker) -> list[Row]:
    """Who made which gesture."""
    return [((fit(speaker.gestures(item), width), "quiet"),)] if item.reactions else []


def words(item: Message) -> str:
    """What is wrapped: the text, and that it is no longer what it was."""
    return f"{item.text} {_edited()}" if item.edited else item.text


def marked(row: str, style: str) -> Row:
    """The last row of the words of an edited message: the mark at its end is quiet."""
    mark = _edited()
    return ((row.removesuffix(mark), style), (mark, "quiet")) if row.endswith(mark) else ((row, "quiet"),)


def _edited() -> str:
    return f"({_('edited')})"


def _answered(item: Message, speaker: Speaker) -> str:
    quote = item.quote
    if quote is None:
        return _("an earlier message")
    author = quote.author
    return say.answered(quote, "" if author is None else _("you") if speaker.is_me(author) else speaker.name(author))


def _title(item: Message, width: int) -> Row:
    """The title, and what its teller wishes for."""
    wish = f"  {say.wish(item.replies)}" if item.replies is not None else ""
    title = fit(item.title or "", max(width - cell_len(wish), width // 2))
    return ((title, "own"), (fit(wish, width - cell_len(title)), "quiet"))
