"""What is left when the program fails: where it was, and the kind of error; no values, which could be texts, names or keys."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text
from textual.app import App

from peertalk.i18n import _

log = logging.getLogger("peertalk.tui")


class DiscreetApp(App[None]):
    """An app that fails with one sentence on the terminal, and places alone in the log. Textual prints the values of all variables."""

    def panic(self, *renderables: RenderableType) -> None:  # noqa: ARG002 (whatever it is, it could hold anything)
        if self._exit_renderables:
            return
        if self._exception is not None:
            log.error("crashed: %s", "\n".join(places(self._exception)))
        super().panic(Text(crashed()))

    def _fatal_error(self) -> None:
        self.panic()


def crashed() -> str:
    """The sentence."""
    return _("Something inside PeerTalk went wrong, and it had to close. What was sent is kept.")


def places(error: BaseException) -> list[str]:
    """The frames of an error and of those it came from: file, line, function. Never its message."""
    return [line for each in _chain(error) for line in (type(each).__name__, *_frames(each))]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = getattr(current, "error", None)  # a worker's failure holds what it failed by
        current = inner if isinstance(inner, BaseException) else current.__cause__ or current.__context__


def _frames(error: BaseException) -> list[str]:
    return [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
