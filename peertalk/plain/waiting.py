"""What is waited for beside everything else: somebody who invites, somebody who compares. One thing at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Waiting:
    """Something else that is begun takes the place of what went on."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def goes_on(self) -> bool:
        """Whether something is waited for."""
        return self._task is not None and not self._task.done()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for this. What went wrong with it is raised by `check`."""
        self.stop()
        self._task = asyncio.create_task(work, name="waiting for somebody")

    def stop(self) -> None:
        """Give it up."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def check(self) -> None:
        """Raise what ended it, if that was no answer at all."""
        if self._task is not None and self._task.done():
            ended, self._task = self._task, None
            if not ended.cancelled():
                ended.result()
