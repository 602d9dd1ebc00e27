"""Debian's avahi-daemon on the same hosts: it holds port 5353 too, starts later, ends sooner. Whoever starts is somebody new:
nobody is found by an address that was remembered."""

from __future__ import annotations

import asyncio
import os
import shutil

import pytest

from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab
from tests.lab.test_network import met

SETTINGS = """
[server]
enable-dbus=no
host-name=host{number}
[publish]
publish-workstation=yes
"""
# Namespaces share the file system: each daemon gets a directory of its own for its pid and its socket.
START = """
mkdir -p /run/avahi-daemon && mount -t tmpfs tmpfs /run/avahi-daemon
exec avahi-daemon --file "$0" --no-drop-root --no-chroot --no-rlimits
"""


@pytest.fixture
def avahi() -> None:
    if shutil.which("avahi-daemon", path="/usr/sbin:/usr/bin:/sbin") is None:
        reason = "no `avahi-daemon` on this machine"
        (pytest.fail if os.environ.get("PEERTALK_LAB") == "required" else pytest.skip)(reason)


async def run_avahi(host: Host) -> asyncio.subprocess.Process:
    """The daemon, once it has announced its host."""
    settings = host.home / "avahi.conf"
    settings.write_text(SETTINGS.format(number=host.number))
    process = await host.start(["unshare", "--mount", "sh", "-c", START, str(settings)])
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while line := await process.stderr.readline():
            if b"startup complete" in line:
                return process
    raise AssertionError("avahi-daemon ended")


async def end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.communicate()


@pytest.mark.usefixtures("avahi")
async def test_beside_avahi_everybody_is_found(lab: Lab, start: Starts) -> None:
    here, there, elsewhere = lab.host(), lab.host(), lab.host()
    daemons = [await run_avahi(here), await run_avahi(there)]
    anna, ben = await start(here, "--ephemeral"), await start(there, "--ephemeral")
    await met(anna, ben)
    await end(daemons[1])
    carla = await start(elsewhere, "--ephemeral")
    await met(anna, carla)
    await met(ben, carla)
    await carla.stop()
    daemons[1] = await run_avahi(there)
    carla = await start(elsewhere, "--ephemeral")
    await met(anna, carla)
    await met(ben, carla)
    later = await run_avahi(elsewhere)
    await ben.stop()
    ben = await start(there, "--ephemeral")
    await met(carla, ben)
    for daemon in (*daemons, later):
        assert daemon.returncode is None
        await end(daemon)
