"""Where the log goes, and what never gets into it.

Message texts, names and keys are never logged. Exceptions can carry any of these in their text, so of an exception only its type
is written, and at level `debug` also where it was raised; never its text, never local variables.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import traceback
from copy import copy
from io import TextIOWrapper
from types import TracebackType
from typing import TYPE_CHECKING, Final

from peertalk.errors import StartError

if TYPE_CHECKING:
    from peertalk.config import Settings

MAX_SIZE: Final = 1 << 20
KEPT: Final = 3
Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def start(settings: Settings, *, console: bool) -> None:
    """Log to the file of the settings, else to standard error if `console`, else nowhere. StartError("bad_config")."""
    handler: logging.Handler = logging.StreamHandler() if console else logging.NullHandler()
    if settings.log_file is not None:
        try:
            handler = OwnerOnlyFile(settings.log_file, maxBytes=MAX_SIZE, backupCount=KEPT, encoding="utf-8")
        except OSError as error:
            raise StartError(
                "bad_config", file=str(settings.log_file), key="--log-file", why="unwritable", error=error.strerror
            ) from error
    handler.setFormatter(Discreet(places=settings.log_level == "debug"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())


class OwnerOnlyFile(logging.handlers.RotatingFileHandler):
    """A rotating log that only its owner can read."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, "ab", opener=_owner_only), encoding=self.encoding)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Discreet(logging.Formatter):
    """One line a record; of an exception its type, and with `places` where it was raised."""

    def __init__(self, *, places: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._places = places

    def format(self, record: logging.LogRecord) -> str:
        own = copy(record)
        own.exc_text = own.stack_info = None  # what another formatter made of the exception
        if record.name == "asyncio":  # its further lines show what a task was about
            own.msg, own.args = record.getMessage().partition("\n")[0], None
        return super().format(own)

    def formatException(self, ei: Raised) -> str:  # noqa: N802 (overrides)
        kind, _value, where = ei
        places = "".join(traceback.format_tb(where)) if self._places else ""
        return f"{places}{kind.__name__ if kind else ''}"
