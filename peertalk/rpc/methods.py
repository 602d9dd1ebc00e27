"""The one table of methods: name → parameters → what is called (docs/rpc.md, "Methods")."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from peertalk import say
from peertalk.rpc.params import (
    Accept,
    Admit,
    Backup,
    ByName,
    ByOffer,
    Confirm,
    Connect,
    Create,
    Edit,
    Export,
    InRoom,
    Invite,
    Invites,
    Leave,
    ListMessages,
    ListStories,
    Nothing,
    OfCode,
    OfMessage,
    OfPeer,
    Params,
    React,
    Read,
    Reform,
    Search,
    Send,
    Verified,
    Words,
)

if TYPE_CHECKING:
    from peertalk.node.node import Node

MANY: Final = 2**31 - 1  # "limit has no upper bound": no history is longer, and SQLite takes it

P = TypeVar("P", bound=Params)


class Method(NamedTuple):
    """`call(node, params)` with the params that `decoder` reads gives the result.

    Calls of a method with `looks_up` take effect in their order. Most do so at once when they are begun; where `looks_up(params)`
    is true the node reads something first, so that the next call has to wait for this one. Where it is false `begin`, if there is one,
    does the same as `call` without a coroutine: it has taken effect when it returns, and the future has the result."""

    decoder: msgspec.json.Decoder[Any]
    call: Callable[[Node, Any], Coroutine[Any, Any, object]]
    looks_up: Callable[[Any], bool] | None = None
    begin: Callable[[Node, Any], Future[Any]] | None = None


def _method(
    params: type[P],
    call: Callable[[Node, P], Coroutine[Any, Any, object]],
    looks_up: Callable[[P], bool] | None = None,
    begin: Callable[[Node, P], Future[Any]] | None = None,
) -> Method:
    return Method(msgspec.json.Decoder(params), call, looks_up, begin)


def _dash(call: Callable[[Node, P], Awaitable[object]]) -> Callable[[Node, P], Coroutine[Any, Any, object]]:
    """`call`, answered with an empty object."""

    async def answer(node: Node, params: P) -> object:
        await call(node, params)
        return {}

    return answer


async def _status(node: Node, _params: Nothing) -> object:
    return node.status()


async def _doctor(node: Node, _params: Nothing) -> object:
    return say.doctor.as_data(await node.doctor())


async def _typing(node: Node, params: InRoom) -> object:
    node.typing(params.room)
    return {}


async def _read(node: Node, params: Read) -> object:
    return {"unread": await node.read(params.room, params.up_to)}


async def _export(node: Node, params: Export) -> object:
    people = [*await node.members(params.room), *await node.peers()]
    return await node.export(params.room, params.path, say.form(params.format, people))


async def _invites(node: Node, params: Invites) -> object:
    return node.invites(params.room)


async def _connect(node: Node, params: Connect) -> object:
    await node.connect(params.host, params.port)
    return {"link": True}


def _always(_params: object) -> bool:
    return True


METHODS: Final[dict[str, Method]] = {
    "node.status": _method(Nothing, _status),
    "node.doctor": _method(Nothing, _doctor),
    "node.backup": _method(Backup, _dash(lambda node, it: node.backup(it.path, it.passphrase))),
    "node.set_name": _method(ByName, lambda node, it: node.set_name(it.name)),
    "rooms.list": _method(Nothing, lambda node, _: node.rooms()),
    "rooms.show": _method(InRoom, lambda node, it: node.room(it.room)),
    "rooms.join": _method(ByName, lambda node, it: node.join(it.name)),
    "rooms.members": _method(InRoom, lambda node, it: node.members(it.room)),
    "rooms.create": _method(Create, lambda node, it: node.create(it.name, it.retention, it.language)),
    "rooms.invite": _method(Invite, lambda node, it: node.invite(it.room, it.uses, it.ttl, it.language)),
    "rooms.invites": _method(Invites, _invites),
    "rooms.cancel_invite": _method(OfCode, _dash(lambda node, it: node.cancel_invite(it.code))),
    "rooms.accept": _method(Accept, lambda node, it: node.accept(it.code, it.timeout)),
    "rooms.words": _method(Words, lambda node, it: node.words(it.room, it.language)),
    "rooms.verified": _method(Verified, lambda node, it: node.verified(it.room, it.present)),
    "rooms.seal": _method(InRoom, lambda node, it: node.seal(it.room)),
    "rooms.unseal": _method(InRoom, lambda node, it: node.unseal(it.room)),
    "rooms.admit": _method(Admit, lambda node, it: node.admit(it.room, it.peer)),
    "rooms.end": _method(InRoom, lambda node, it: node.end(it.room)),
    "rooms.reform": _method(Reform, lambda node, it: node.reform(it.room, it.without)),
    "rooms.offers": _method(Nothing, lambda node, _: node.offers()),
    "rooms.follow": _method(ByOffer, lambda node, it: node.follow(it.offer)),
    "rooms.decline": _method(ByOffer, _dash(lambda node, it: node.decline(it.offer))),
    "rooms.leave": _method(Leave, _dash(lambda node, it: node.leave(it.room, forget=it.forget))),
    "rooms.read": _method(Read, _read),
    "direct.open": _method(OfPeer, lambda node, it: node.open_direct(it.peer)),
    "messages.send": _method(
        Send,
        lambda node, it: node.send(
            it.room,
            it.text,
            reply_to=it.reply_to,
            kind=it.kind,
            title=it.title,
            warning=it.warning,
            replies=it.replies,
        ),
        looks_up=lambda it: it.reply_to is not None,
        begin=lambda node, it: node.begin(
            it.room, it.text, kind=it.kind, title=it.title, warning=it.warning, replies=it.replies
        ),
    ),
    "messages.list": _method(
        ListMessages, lambda node, it: node.messages(it.room, min(it.limit, MANY), before=it.before, after=it.after)
    ),
    "messages.search": _method(Search, lambda node, it: node.search(it.query, it.room, min(it.limit, MANY))),
    "messages.react": _method(React, lambda node, it: node.react(it.message, it.reaction, it.remove), _always),
    "messages.edit": _method(
        Edit, lambda node, it: node.edit(it.message, it.text, title=it.title, warning=it.warning), _always
    ),
    "messages.delete": _method(OfMessage, lambda node, it: node.delete(it.message), _always),
    "messages.export": _method(Export, _export),
    "stories.list": _method(ListStories, lambda node, it: node.stories(it.room, min(it.limit, MANY), it.before)),
    "peers.list": _method(Nothing, lambda node, _: node.peers()),
    "peers.connect": _method(Connect, _connect),
    "peers.verify": _method(OfPeer, lambda node, it: node.verify(it.peer)),
    "peers.confirm": _method(Confirm, lambda node, it: node.confirm(it.peer, it.matches)),
    "peers.block": _method(OfPeer, lambda node, it: node.block(it.peer)),
    "peers.unblock": _method(OfPeer, lambda node, it: node.unblock(it.peer)),
    "signals.typing": _method(InRoom, _typing),
}
