"""Proving rooms that were joined while a link is up (docs/protocol.md, "Rooms joined later").

A question and its answer are `counter u32 ‖ room proof`, always 1,028 bytes. Each side has at most one question open, so that
whoever is asked sets the pace; rooms that come meanwhile go into the next question together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import islice

from peertalk.core import proofs
from peertalk.core.proofs import Step
from peertalk.errors import RemoteError

ANSWER_SECONDS = 0.1  # checking costs milliseconds where there are a thousand rooms: ten times a second and link at most

_COUNTER = 4
_BYTES = _COUNTER + proofs.PROOF_BYTES


class Proving:
    """Questions and answers of one link. `binding` is its handshake hash; `known` gives all rooms, id → secret."""

    def __init__(
        self, *, initiator: bool, binding: bytes, known: Callable[[], Mapping[bytes, bytes]], random: Callable[[int], bytes]
    ) -> None:
        self._initiator = initiator
        self._binding = binding
        self._known = known
        self._random = random
        self._waiting: dict[bytes, bytes] = {}
        self._asked: dict[bytes, bytes] = {}
        self._open = False
        self._questions = 0
        self._answers = 0
        self._to_answer: bytes | None = None
        self._answer_at = -math.inf

    def add(self, rooms: Mapping[bytes, bytes]) -> None:
        """Rooms to be proven, id → secret."""
        self._waiting |= rooms

    def forget(self, room: bytes) -> None:
        """A room that is no longer to be proven."""
        self._waiting.pop(room, None)
        self._asked.pop(room, None)

    def question(self) -> bytes | None:
        """The next question to send, if there are rooms to prove and none is open."""
        if self._open or not self._waiting:
            return None
        self._asked = dict(islice(self._waiting.items(), proofs.MAX_PROVEN))
        for room in self._asked:
            del self._waiting[room]
        self._open = True
        self._questions += 1
        return self._make("prove", self._questions, self._asked)

    def answered(self, answer: bytes) -> frozenset[bytes]:
        """Which rooms the answer to the open question proves."""
        if not self._open:
            raise RemoteError("malformed", what="proved")
        self._open = False
        return self._check("proved", self._questions, answer, self._asked)

    def asked(self, question: bytes) -> None:
        """A question has come; it is due for an answer at `answer_at`."""
        if self._to_answer is not None or len(question) != _BYTES:
            raise RemoteError("malformed", what="prove")
        self._to_answer = question

    @property
    def answer_at(self) -> float:
        """When to call `answer`: never, if nothing was asked."""
        return math.inf if self._to_answer is None else self._answer_at

    def answer(self, now: float) -> tuple[bytes, frozenset[bytes]]:
        """The answer to what was asked, and the rooms that are proven by it."""
        question, self._to_answer = self._to_answer or b"", None
        self._answer_at = now + ANSWER_SECONDS
        self._answers += 1
        known = self._known()
        rooms = self._check("prove", self._answers, question, known)
        return self._make("proved", self._answers, {room: known[room] for room in rooms}), rooms

    def _make(self, step: Step, counter: int, rooms: Mapping[bytes, bytes]) -> bytes:
        count = counter.to_bytes(_COUNTER, "big")
        about = proofs.context(step, self._initiator, self._binding, count)
        return count + proofs.make(rooms.values(), about, self._random)

    def _check(self, step: Step, counter: int, content: bytes, rooms: Mapping[bytes, bytes]) -> frozenset[bytes]:
        count = counter.to_bytes(_COUNTER, "big")
        if len(content) != _BYTES or not content.startswith(count):
            raise RemoteError("malformed", what=step)
        about = proofs.context(step, not self._initiator, self._binding, count)
        return proofs.check(content[_COUNTER:], rooms, about, self._random)
