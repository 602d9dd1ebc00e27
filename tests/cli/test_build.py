"""The composition, with everything real but the network: each node listens on the loopback interface alone."""

from __future__ import annotations

import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from peertalk.cli import build
from peertalk.cli.build import open_node
from peertalk.config import Settings
from peertalk.errors import StartError
from peertalk.rpc import find


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PEERTALK_STATE", str(tmp_path / "state"))
    return Settings(home=tmp_path / "h", mdns=False, interfaces=("127.0.0.1",))


def with_passphrase(settings: Settings, file: Path) -> Settings:
    return Settings(home=settings.home, mdns=False, interfaces=("127.0.0.1",), passphrase_file=file)


def exists(path: Path) -> bool:
    return path.exists()


async def test_a_node_has_its_socket_and_its_lock_until_it_is_closed(settings: Settings) -> None:
    node = await open_node(settings)
    remote = await find(settings.home)
    assert remote is not None
    assert await remote.status() == node.status()
    with pytest.raises(StartError) as caught:
        await open_node(settings)
    assert caught.value.kind == "profile_in_use"
    await node.close()
    await node.close()
    assert await find(settings.home) is None
    await remote.close()
    again = await open_node(settings)
    assert again.status().identity == node.status().identity
    await again.close()


async def test_no_thread_of_a_node_keeps_the_others_waiting_for_long(settings: Settings) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    try:
        node = await open_node(replace(settings, ephemeral=True))
        await node.close()
        assert sys.getswitchinterval() == pytest.approx(build.SWITCH)
    finally:
        sys.setswitchinterval(before)


async def test_an_interface_that_is_not_there_is_said_without_multicast_too(settings: Settings) -> None:
    with pytest.raises(StartError) as caught:
        await open_node(replace(settings, interfaces=("nope0",)))
    assert (caught.value.kind, caught.value.data) == ("no_interface", {"name": "nope0"})


async def test_where_an_address_is_named_nothing_listens_elsewhere(settings: Settings) -> None:
    node = await open_node(replace(settings, interfaces=("127.0.0.1",)))
    hosts = [one.host for one in node.status().listening]
    await node.close()
    assert hosts == ["127.0.0.1"]


async def test_the_home_is_for_its_owner_only(settings: Settings) -> None:
    node = await open_node(settings)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (settings.home, *_inside(settings.home))}
    await node.close()
    assert modes.pop(settings.home.name) == 0o700
    assert set(modes.values()) == {0o600}


def _inside(home: Path) -> list[Path]:
    return list(home.iterdir())


@pytest.mark.parametrize(
    "content", [b"open sesame", b"open sesame\n", b"open sesame\r\nsecond line", b"\xef\xbb\xbfopen sesame\n"]
)
async def test_the_first_line_of_the_file_is_the_passphrase(settings: Settings, tmp_path: Path, content: bytes) -> None:
    node = await open_node(settings, "open sesame")
    await node.close()
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    node = await open_node(with_passphrase(settings, file))
    await node.close()


async def test_a_passphrase_that_was_typed_counts_more_than_the_file(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("another one")
    node = await open_node(with_passphrase(settings, file), "open sesame")
    await node.close()
    node = await open_node(settings, "open sesame")
    await node.close()


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
async def test_a_file_without_a_passphrase_makes_no_profile(settings: Settings, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    with pytest.raises(StartError):
        await open_node(with_passphrase(settings, file))
    assert not exists(settings.home / "key")


async def test_what_fails_to_start_leaves_the_profile_free(settings: Settings) -> None:
    node = await open_node(settings, "right")
    await node.close()
    for wrong, kind in (("wrong", "wrong_passphrase"), (None, "needs_passphrase")):
        with pytest.raises(StartError) as caught:
            await open_node(settings, wrong)
        assert caught.value.kind == kind
    node = await open_node(settings, "right")
    await node.close()


async def test_a_failure_behind_the_lock_frees_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_given: object) -> object:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(build, "serve_socket", no_socket)
        with pytest.raises(RuntimeError):
            await open_node(settings)
    node = await open_node(settings)
    await node.close()


async def test_an_ephemeral_node_is_in_memory_alone(settings: Settings) -> None:
    node = await open_node(Settings(home=settings.home, mdns=False, ephemeral=True, interfaces=("127.0.0.1",)))
    await node.send("lobby", "fleeting")
    await node.close()
    assert not exists(settings.home)


async def test_a_new_node_has_a_made_up_name_or_the_one_that_was_given(settings: Settings) -> None:
    node = await open_node(settings)
    assert len(node.status().identity.name.split()) == 2
    await node.close()
    named = Settings(home=settings.home, mdns=False, interfaces=("127.0.0.1",), name="Ada")
    node = await open_node(named)
    assert node.status().identity.name == "Ada"
    await node.close()
