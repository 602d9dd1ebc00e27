"""Links that a person asks for: true answers, however many ask, and names that are looked up at each try."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from peertalk import say
from peertalk.errors import RequestError
from peertalk.node.node import Node
from tests.node.company import Company, online, port, until


async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a connection and says nothing, until it is hung up."""
    try:
        await _reader.read()
    finally:
        writer.close()


async def test_a_hundred_who_ask_at_once_are_told_the_truth_and_it_is_one_link(people: Company) -> None:
    ada, ben = await people.node("Ada"), await people.node("Ben")
    await asyncio.gather(*(ada.connect("127.0.0.1", port(ben)) for _ in range(100)))
    await until(ben, lambda: online(ben, "Ada"))
    assert (ada.status().links, ben.status().links) == (1, 1)


async def test_who_is_linked_already_is_not_dialled_again(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, ben = await people.node("Ada"), await people.node("Ben")
    await ada.connect("127.0.0.1", port(ben))
    dials: list[str] = []
    make = ada._life.links.outgoing
    monkeypatch.setattr(ada._life.connector, "_make", lambda target: dials.append(target) or make(target))
    await ada.connect("127.0.0.1", port(ben))
    assert dials == []
    assert 10_000 < ada._life.dialer.wake() - ada._life.clock.mono() < 100_000  # nor by and by, but to renew the link


async def test_two_who_ask_for_each_other_at_once_are_linked(people: Company) -> None:
    ada, ben = await people.node("Ada"), await people.node("Ben")
    await asyncio.gather(ada.connect("127.0.0.1", port(ben)), ben.connect("127.0.0.1", port(ada)))
    await until(ada, lambda: online(ada, "Ben"))
    assert (ada.status().links, ben.status().links) == (1, 1)


async def test_all_who_ask_are_told_that_nobody_answers(people: Company, unused_tcp_port: int) -> None:
    ada = await people.node("Ada")
    asked = (ada.connect("127.0.0.1", unused_tcp_port) for _ in range(5))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(answer, "kind", None) for answer in answers] == ["not_reachable"] * 5


async def test_who_takes_a_connection_and_says_nothing_is_not_waited_for_longer_than_asked(people: Company) -> None:
    ada = await people.node("Ada")
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        where = server.sockets[0].getsockname()
        with pytest.raises(RequestError, match="not_reachable"):
            await ada.connect(*where, timeout=0.05)


async def test_closing_ends_the_waiting(people: Company) -> None:
    ada = await people.node("Ada")
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        where = server.sockets[0].getsockname()
        asking = asyncio.create_task(ada.connect(*where))
        await until(ada, lambda: is_dialling(ada))
        await ada.close()
        with pytest.raises(RequestError, match="not_reachable"):
            await asking


async def is_dialling(node: Node) -> bool:
    await asyncio.sleep(0)
    return bool(node._life.connector._tries)


@pytest.mark.parametrize("host", ["", " ", "a b", "1.2.3", "fe80::1::2", "x" * 254, "under..dot", "10.0.0.1:4000"])
async def test_what_is_no_host_is_refused_in_words_that_fit(people: Company, host: str) -> None:
    ada = await people.node("Ada")
    with pytest.raises(RequestError) as error:
        await ada.connect(host, 4000)
    assert error.value.kind == "bad_address"
    assert "is no address" in say.error(error.value)


async def test_a_name_is_looked_up_at_each_try(people: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """It resolves to nothing first, and then to where somebody is: as it would once they are in this network."""
    ben = await people.node("Ben")
    asked: list[str] = []
    loop = asyncio.get_running_loop()
    look_up = loop.getaddrinfo

    async def resolve(host: str, *arguments: Any, **options: Any) -> Any:
        if host != "laptop.local":
            return await look_up(host, *arguments, **options)
        asked.append(host)
        if len(asked) < 3:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return await look_up("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    ada = await people.node("Ada", connect=[f"Laptop.local:{port(ben)}"])
    await until(ben, lambda: online(ben, "Ada"))
    assert asked == ["laptop.local"] * 3
    await ada.connect("LAPTOP.local", port(ben))
    assert asked == ["laptop.local"] * 3
