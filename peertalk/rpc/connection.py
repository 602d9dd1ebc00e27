"""One client of the interface: requests in, answers and events out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from msgspec import UNSET

from peertalk import say
from peertalk.core import events
from peertalk.core.events import AnyEvent
from peertalk.errors import PeerTalkError
from peertalk.rpc import envelope
from peertalk.rpc.envelope import BadRequest, Request
from peertalk.rpc.methods import METHODS, Method
from peertalk.streams.lines import MAX_LINE, Lines

if TYPE_CHECKING:
    from peertalk.node.node import Node

MAX_RUNNING: Final = 4096
MAX_WAITING: Final = 1 << 20
FINISH: Final = 0.8  # seconds for what runs when a connection ends, and then for what waits to be written
FLUSH: Final = 0.2
Reply = Callable[[bytes | None], None]
log = logging.getLogger("peertalk.rpc")


class Stream(Protocol):
    """Bytes both ways. `read` gives b"" at the end; `write` returns when the bytes were taken. OSError: it broke."""

    async def read(self) -> bytes: ...

    async def write(self, data: bytes) -> None: ...


class Outgoing:
    """What waits to be written: put without waiting, taken in one piece; over MAX_WAITING bytes it is `full`.

    What was taken counts as waiting until the next `take`."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._taken = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._ended = False
        self._emptied.set()

    def put(self, line: bytes | None) -> None:
        """Queue a line (None: nothing to say)."""
        if line is None:
            return
        if not self._parts:
            self._filled.set()
        self._parts += (line, b"\n")
        self._size += len(line) + 1
        if self._size > MAX_WAITING:
            self._emptied.clear()

    @property
    def full(self) -> bool:
        return self._size > MAX_WAITING

    async def room(self) -> None:
        """Wait until it is not full."""
        await self._emptied.wait()

    async def take(self) -> bytes:
        """All that waits, as soon as there is something; b"" after `end` when all was taken."""
        self._size -= self._taken
        self._taken = 0
        if not self.full:
            self._emptied.set()
        await self._filled.wait()
        data = b"".join(self._parts)
        self._parts.clear()
        self._taken = len(data)
        if not self._ended:
            self._filled.clear()
        return data

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._filled.set()


class Batch:
    """Gathers the answers to a batch; they go out as one line when the last one is there (none at all for notifications)."""

    def __init__(self, size: int, reply: Reply) -> None:
        self._missing = size
        self._answers: list[bytes] = []
        self._reply = reply

    def add(self, answer: bytes | None) -> None:
        if answer is not None:
            self._answers.append(answer)
        self._missing -= 1
        if not self._missing:
            self._reply(b"[%b]" % b",".join(self._answers) if self._answers else None)


class Connection:
    """Serves one client until its stream ends, `stop` is called or the node is closed.

    Requests run at the same time, but each is begun in the order of the lines (see also Method.looks_up). At most MAX_RUNNING
    run, and while more than MAX_WAITING bytes wait for a client that does not read, none of its requests is begun and its
    events wait in its own subscription.
    """

    def __init__(self, node: Node, stream: Stream) -> None:
        self._node = node
        self._stream = stream
        self._out = Outgoing()
        self._ended = asyncio.Event()
        self._running: set[asyncio.Future[Any]] = set()
        self._looking_up: asyncio.Future[Any] | None = None
        self._is_beginning = False
        """Is there perhaps a request whose task has not taken its first step yet?"""
        self._reader: asyncio.Task[None] | None = None
        self._stopped = False

    def stop(self) -> None:
        """Take no more requests: those that run are finished and answered, then `serve` returns."""
        self._stopped = True
        if self._reader is not None:
            self._reader.cancel()

    async def serve(self) -> None:
        """Serve. The first line is the `ready` event. Raises nothing but what the node's own events raise."""
        subscription = self._node.subscribe()
        happening = aiter(subscription)
        try:
            self._out.put(envelope.event(await anext(happening)))
            self._reader = asyncio.create_task(self._read())
            others = [asyncio.create_task(self._pump(happening)), asyncio.create_task(self._write())]
            await self._until_over(self._reader, *others)
        except StopAsyncIteration:
            return
        finally:
            subscription.close()

    async def _until_over(self, reader: asyncio.Task[None], pump: asyncio.Task[None], writer: asyncio.Task[None]) -> None:
        try:
            if self._stopped:
                reader.cancel()
            await asyncio.wait((reader, pump, writer), return_when=asyncio.FIRST_COMPLETED)
            reader.cancel()
            if self._running:
                await asyncio.wait(self._running, timeout=FINISH)
            pump.cancel()
            self._out.end()
            await asyncio.wait((writer,), timeout=FLUSH)
        finally:
            own, running = (reader, pump, writer), list(self._running)
            for task in (*own, *running):
                task.cancel()
            results = await asyncio.gather(*own, return_exceptions=True)
            await asyncio.gather(*running, return_exceptions=True)
        for outcome in results:
            if isinstance(outcome, Exception):
                raise outcome

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _read(self) -> None:
        lines = Lines()
        chunk = b"."
        while chunk:
            try:
                chunk = await self._stream.read()
            except OSError:
                return
            for line in lines.feed(chunk) if chunk else lines.end():
                await self._line(line)

    async def _line(self, line: bytes | None) -> None:
        if self._out.full:
            await self._out.room()
        if line is None:
            long = BadRequest(envelope.INVALID_REQUEST, f"a line is longer than {MAX_LINE} bytes")
            self._out.put(envelope.refusal(long))
        elif envelope.is_batch(line):
            await self._batch(line)
        else:
            await self._request(line, self._out.put)

    async def _batch(self, line: bytes) -> None:
        try:
            requests = envelope.parse_batch(line)
        except BadRequest as bad:
            self._out.put(envelope.refusal(bad))
            return
        batch = Batch(len(requests), self._out.put)
        for request in requests:
            await self._request(bytes(request), batch.add)

    async def _request(self, line: bytes, reply: Reply) -> None:
        """Begin one request; `reply` is called once, with None where there is nothing to say."""
        try:
            request = envelope.parse(line)
        except BadRequest as bad:
            reply(envelope.refusal(bad))
            return
        try:
            method, params = _bind(request)
        except BadRequest as bad:
            reply(_unless_notification(request, envelope.refusal(bad)))
            return
        while len(self._running) >= MAX_RUNNING:
            self._ended.clear()
            await self._ended.wait()
        if method.looks_up is not None and self._looking_up is not None:
            await asyncio.wait((self._looking_up,))
            self._looking_up = None
        is_looking_up = method.looks_up is not None and method.looks_up(params)
        if method.begin is None or is_looking_up:
            work: asyncio.Future[Any] = asyncio.create_task(method.call(self._node, params))
            self._is_beginning = True
        else:
            if self._is_beginning:
                self._is_beginning = False
                await asyncio.sleep(0)  # what was asked before begins before
            work = self._begin(method.begin, params)
        self._running.add(work)
        work.add_done_callback(lambda done: self._ran(request, done, reply))
        if is_looking_up:
            self._looking_up = work

    def _begin(self, begin: Callable[[Node, Any], asyncio.Future[Any]], params: object) -> asyncio.Future[Any]:
        """A request that is no task: nothing but what it waits for. What it raises at once is its outcome too."""
        try:
            return begin(self._node, params)
        except Exception as error:  # noqa: BLE001 - it goes to whoever asked
            failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    def _ran(self, request: Request, done: asyncio.Future[Any], reply: Reply) -> None:
        """A request is carried out; one that was cancelled is not answered: the connection, or the node, ends."""
        self._running.discard(done)
        self._ended.set()
        if not done.cancelled():
            reply(_unless_notification(request, _outcome(request, done)))

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _pump(self, happening: AsyncIterator[AnyEvent]) -> None:
        async for event in happening:
            self._out.put(envelope.event(_told(event)))
            if self._out.full:
                await self._out.room()

    async def _write(self) -> None:
        with suppress(OSError):
            while data := await self._out.take():
                await self._stream.write(data)


def _told(event: AnyEvent) -> AnyEvent:
    """An event as clients get it: the text of a warning is the whole sentence."""
    return msgspec.structs.replace(event, text=say.warning(event)) if isinstance(event, events.Warning) else event


def _bind(request: Request) -> tuple[Method, object]:
    """The method of a request and its parameters. BadRequest."""
    method = METHODS.get(request.method)
    if method is None:
        raise BadRequest(envelope.METHOD_NOT_FOUND, f"no such method: {request.method[:100]}", id=envelope.known_id(request))
    return method, envelope.parse_params(method.decoder, request)


def _outcome(request: Request, done: asyncio.Future[Any]) -> bytes:
    """The answer to a request that was carried out."""
    id = envelope.known_id(request)
    error = done.exception()
    if error is None:
        try:
            return envelope.result(id, done.result())
        except Exception as unreadable:  # noqa: BLE001 - see below
            error = unreadable
    if isinstance(error, PeerTalkError):
        return envelope.failure(id, envelope.REFUSED, say.error(error), {"kind": error.kind, **error.data})
    log.error("%s failed: %s", request.method, type(error).__name__, exc_info=error)
    return envelope.failure(id, envelope.INTERNAL_ERROR, "an error inside PeerTalk; its log says where")


def _unless_notification(request: Request, answer: bytes) -> bytes | None:
    return None if request.id is UNSET else answer
