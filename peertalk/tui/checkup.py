"""While nobody is here the doctor looks by itself, so that the empty page can say what is the matter."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from peertalk.core.events import Report
from peertalk.errors import PeerTalkError

if TYPE_CHECKING:
    from textual.worker import Worker

    from peertalk.node.node import Node
    from peertalk.tui.screens.chat import ChatScreen

SOON = 1.0
"""Seconds without anybody after which it begins: it takes some itself, and is to be there when the page has something to say."""
AGAIN, RARELY = 30.0, 480.0
"""Seconds after which it looks again, twice as many each time: its questions wake every phone in the network."""

_log = logging.getLogger("peertalk.tui")


class Checkup:
    """One examination at a time; a new one when its time has come, or once the interfaces have changed."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._report: Report | None = None
        self._interfaces: list[tuple[str, str]] = []
        self._due, self._pause = -math.inf, AGAIN
        self._worker: Worker[None] | None = None

    def follow(self, node: Node | None, seconds: float, now: float) -> Report | None:
        """What is known by now, to be called each second. `node` is None where somebody is here; `seconds`: how long nobody
        has been here; `now`: monotonic seconds."""
        if node is None:
            self.stop()
            return None
        interfaces = node.interfaces()
        if interfaces != self._interfaces:
            self._interfaces = interfaces
            self._forget()
        running = self._worker is not None and not self._worker.is_finished
        if seconds >= SOON and not running and now >= self._due:
            self._due, self._pause = now + self._pause, min(2 * self._pause, RARELY)
            self._worker = self._screen.run_worker(self._examine(node), group="doctor", description="doctor", exclusive=True)
        return self._report

    def stop(self) -> None:
        """Somebody has come: nothing is the matter any more."""
        if self._worker is not None:
            self._worker.cancel()
        self._worker = None
        self._forget()

    def _forget(self) -> None:
        self._report, self._due, self._pause = None, -math.inf, AGAIN

    async def _examine(self, node: Node) -> None:
        interfaces = self._interfaces
        try:
            report = await node.doctor()
        except (OSError, PeerTalkError) as error:
            _log.warning("the doctor could not look: %s", type(error).__name__)
            return
        if interfaces == self._interfaces:
            self._report = report
        self._screen.draw()
