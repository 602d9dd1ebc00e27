"""While nobody is here the doctor looks by itself, so that it can be said what is the matter."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from peertalk.core.events import Report
from peertalk.errors import PeerTalkError
from peertalk.say.doctor import WELL
from peertalk.say.nobody import PATIENCE

if TYPE_CHECKING:
    from peertalk.node.node import Node

SOON: Final = 1.0
"""Seconds without anybody after which it begins: it takes some itself, and is to be there when there is something to say."""
AGAIN: Final = 30.0
RARELY: Final = 480.0
"""Seconds after which it looks again, twice as many each time: its questions wake every phone in the network."""

_log = logging.getLogger("peertalk.checkup")


class Checkup:
    """One examination at a time; a new one when its time has come, or once the interfaces have changed. `changed` is called when
    one is over."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._report: Report | None = None
        self._interfaces: list[tuple[str, str]] = []
        self._due, self._pause = -math.inf, AGAIN
        self._task: asyncio.Task[None] | None = None
        self._since: float | None = None
        self._told: tuple[str, list[tuple[str, str]]] | None = None

    @property
    def looking(self) -> bool:
        """Whether an examination is going on."""
        return self._task is not None and not self._task.done()

    def follow(self, node: Node | None, seconds: float, now: float) -> Report | None:
        """What is known by now, to be called each second. `node` is None where somebody is here; `seconds`: how long nobody
        has been here; `now`: monotonic seconds. What went wrong inside the program is raised."""
        if node is None:
            self._since = None
            self.stop()
            return None
        self._since = now if self._since is None else self._since
        interfaces = node.interfaces()
        if interfaces != self._interfaces:
            self._interfaces = interfaces
            self._forget()
        self._collect()
        if seconds >= SOON and self._task is None and now >= self._due:
            self._due, self._pause = now + self._pause, min(2 * self._pause, RARELY)
            self._task = asyncio.create_task(self._examine(node), name="doctor")
        return self._report

    def news(self, now: float, *, shown: bool) -> Report | None:
        """What is wrong and was not told yet, to be said in passing: once in each network, after five seconds without anybody, as
        `follow` knows it. `shown`: it stands there anyway."""
        report = self._report
        if report is None or report.verdict in WELL or self._told == (report.verdict, self._interfaces):
            return None
        if not shown and (self._since is None or now - self._since < PATIENCE):
            return None
        self.told(report)
        return None if shown else report

    def told(self, report: Report) -> None:
        """This was told."""
        self._told = report.verdict, self._interfaces

    def stop(self) -> None:
        """Somebody has come, or it is the end: nothing is the matter any more, and nobody waits for it."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        self._forget()

    def _collect(self) -> None:
        if self._task is not None and self._task.done():
            ended, self._task = self._task, None
            if not ended.cancelled():
                ended.result()

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
        self._changed()
