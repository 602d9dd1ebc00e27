"""The other end of the interface: a node that is in another process, with the calls of Node that our own programs need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import count
from typing import Any, Protocol, Self, TypeVar

import msgspec

from peertalk.core.events import AnyEvent, Exported, Member, Message, MessageList, Peer, Ready, Report, Room, Status
from peertalk.errors import PeerTalkError, RequestError, StartError
from peertalk.rpc import envelope
from peertalk.rpc.connection import Stream
from peertalk.streams.lines import Lines

T = TypeVar("T")
MAX_ANSWER = 1 << 32


class ClosableStream(Stream, Protocol):
    """A stream that one can close."""

    async def close(self) -> None: ...


class Form(Protocol):
    """How a conversation is written down; `name` as `messages.export` has it."""

    @property
    def name(self) -> str: ...


class Failure(msgspec.Struct, frozen=True):
    code: int
    message: str = ""
    data: dict[str, Any] = {}


class Line(msgspec.Struct, frozen=True):
    """Any line of the other side: an answer, or an event in `params`."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Failure | None = None
    params: msgspec.Raw = msgspec.Raw(b"")


class Number(msgspec.Struct, frozen=True):
    """All that is understood of an answer that is otherwise strange."""

    id: int | None = None


STRANGE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for lines of other versions, and for none of ours."""
_numbers = msgspec.json.Decoder(Number)
_lines = msgspec.json.Decoder(Line)
_events: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class RemoteNode:
    """A node behind a stream. Calls raise RequestError as Node's do; StartError("not_running") once it is gone."""

    def __init__(self, stream: ClosableStream) -> None:
        self._stream = stream
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._subscriptions: set[RemoteEvents] = set()
        self._ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._gone = False
        self._listener = asyncio.create_task(self._listen())

    async def ready(self) -> Ready:
        """The first line of the other side. StartError("not_running")"""
        await asyncio.wait((self._ready, self._listener), return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            raise StartError("not_running")
        return self._ready.result()

    async def call(self, method: str, **params: object) -> msgspec.Raw:
        """Any method of docs/rpc.md; its result, still encoded."""
        if self._gone:
            raise StartError("not_running")
        number = next(self._ids)
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._stream.write(envelope.request(number, method, params) + b"\n")
            return await answer
        except OSError as error:
            raise StartError("not_running") from error
        finally:
            self._waiting.pop(number, None)

    def subscribe(self) -> RemoteEvents:
        """The events from now on (`ready` has been before)."""
        events = RemoteEvents(self._subscriptions)
        if self._gone:
            events.put(None)
        return events

    async def status(self) -> Status:
        return await self._get(Status, "node.status")

    async def doctor(self) -> Report:
        return await self._get(Report, "node.doctor")

    async def room(self, room: str) -> Room:
        return await self._get(Room, "rooms.show", room=room)

    async def members(self, room: str) -> list[Member]:
        return await self._get(list[Member], "rooms.members", room=room)

    async def peers(self) -> list[Peer]:
        return await self._get(list[Peer], "peers.list")

    async def send(self, room: str, text: str) -> Message:
        return await self._get(Message, "messages.send", room=room, text=text)

    async def messages(self, room: str, limit: int = 100, before: str | None = None, after: str | None = None) -> MessageList:
        return await self._get(MessageList, "messages.list", room=room, limit=limit, before=before, after=after)

    async def export(self, room: str, path: str, form: Form) -> Exported:
        return await self._get(Exported, "messages.export", room=room, path=path, format=form.name)

    async def typing(self, room: str) -> None:
        await self.call("signals.typing", room=room)

    async def close(self) -> None:
        """Let go of the stream; the node goes on."""
        await self._stream.close()
        self._listener.cancel()
        await asyncio.wait((self._listener,))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def _get(self, kind: type[T], method: str, **params: object) -> T:
        """RequestError("not_understood"): the answer is none that this version knows."""
        answer = await self.call(method, **params)
        try:
            return msgspec.json.decode(answer, type=kind)
        except STRANGE as error:
            raise RequestError("not_understood") from error

    async def _listen(self) -> None:
        lines = Lines(MAX_ANSWER)
        try:
            while chunk := await self._stream.read():
                for line in lines.feed(chunk):
                    self._take(line or b"")
        except OSError:
            pass  # as good as an end
        finally:
            self._end()

    def _take(self, line: bytes) -> None:
        try:
            self._heard(_lines.decode(line))
        except STRANGE:
            self._refuse(line)

    def _refuse(self, line: bytes) -> None:
        """Whoever waits for an answer that cannot be read waits no longer."""
        with suppress(*STRANGE):
            answer = self._waiting.get(_numbers.decode(line).id or 0)
            if answer is not None and not answer.done():
                answer.set_exception(RequestError("not_understood"))

    def _heard(self, heard: Line) -> None:
        with suppress(*STRANGE):  # an event of a newer version, say
            if bytes(heard.params):
                event = _events.decode(heard.params)
                if isinstance(event, Ready) and not self._ready.done():
                    self._ready.set_result(event)
                for subscription in self._subscriptions:
                    subscription.put(event)
            elif (answer := self._waiting.get(heard.id or 0)) and not answer.done():
                _settle(answer, heard)

    def _end(self) -> None:
        self._gone = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(StartError("not_running"))
        for subscription in self._subscriptions:
            subscription.put(None)


class RemoteEvents:
    """The events of a node in another process; ends when that process does."""

    def __init__(self, subscriptions: set[RemoteEvents]) -> None:
        self._queue: asyncio.Queue[AnyEvent | None] = asyncio.Queue()
        self._subscriptions = subscriptions
        subscriptions.add(self)

    def put(self, event: AnyEvent | None) -> None:
        self._queue.put_nowait(event)

    def __aiter__(self) -> AsyncIterator[AnyEvent]:
        return self

    async def __anext__(self) -> AnyEvent:
        event = await self._queue.get()
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        self._subscriptions.discard(self)


def _settle(answer: asyncio.Future[msgspec.Raw], heard: Line) -> None:
    if heard.error is None:
        answer.set_result(heard.result)
    else:
        answer.set_exception(_error(heard.error))


def _error(failure: Failure) -> PeerTalkError:
    """The error that the other side had."""
    data = dict(failure.data)
    if failure.code == envelope.REFUSED and isinstance(kind := data.pop("kind", None), str):
        return RequestError(kind, **data)
    return RequestError("refused", why=failure.message)
