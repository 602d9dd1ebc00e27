"""The doctor in networks as they are: in each the right verdict, as text and as data, soon, and without keeping a processor busy."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from peertalk import i18n, say
from peertalk.core.events import Report
from tests.lab.conftest import Starts
from tests.lab.lab import Host, Lab, ip, nft
from tests.lab.rpc_process import RpcProcess

GOAL, NOISE = 5.0, 2.0
IDLE = 0.02
ROUTER = [sys.executable, "-m", "tests.lab.router"]
Found = dict[str, Any]


async def router(lab: Lab, *hosts: Host, reflect: bool = False) -> Host:
    """A host that is the others' router and speaks mDNS; with `reflect` it repeats what others multicast."""
    one = lab.host(ipv6=False)
    await one.hold([*ROUTER, one.address, *(["reflect"] if reflect else [])])
    for host in hosts:
        ip(host.namespace, f"route replace default via {one.address} dev eth0")
    return one


async def examined(process: RpcProcess) -> Found:
    """What `node.doctor` answers. It is to take no more than five seconds, here with room for noise."""
    asked = time.monotonic()
    found: Found = await process.call("node.doctor")
    assert time.monotonic() - asked < GOAL * NOISE
    return found


async def printed(host: Host, *options: str) -> tuple[int, str]:
    """What `peertalk doctor` prints on this host, and its exit code."""
    home = str(host.home / "peertalk")
    process = await host.start([sys.executable, "-m", "peertalk", "doctor", "--lang", "en", "--home", home, *options])
    output, errors = await process.communicate()
    assert not errors
    assert process.returncode is not None
    return process.returncode, output.decode()


async def says(host: Host, process: RpcProcess, verdict: str, **cases: str) -> Found:
    """Whether all three ways to ask give this verdict and these cases; the report."""
    await process.ready()
    found, (code, text), (_, data) = await asyncio.gather(examined(process), printed(host), printed(host, "--json"))
    assert found["verdict"] == verdict, found
    i18n.activate("en")
    assert " ".join(text.split()).startswith(say.doctor.verdict(Report(verdict=verdict, checks=[])))
    assert code == (0 if verdict in say.doctor.WELL else 1)
    for report in (found, json.loads(data)):
        assert report["verdict"] == verdict
        assert {which: case(report, which) for which in cases} == cases, report
    return found


def case(report: Found, which: str) -> str:
    return next(check["case"] for check in report["checks"] if check["id"] == which)


def used(process: RpcProcess) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def two(start: Starts, here: Host, there: Host, *options: str) -> tuple[RpcProcess, RpcProcess]:
    """Two that are linked."""
    anna, ben = await start(here, "--port", "47000"), await start(there, *options)
    await anna.online(await ben.identity())
    await ben.online(await anna.identity())
    return anna, ben


async def test_all_is_well(lab: Lab, start: Starts) -> None:
    here = lab.host()
    anna, _ = await two(start, here, lab.host())
    cases = {"own_multicast": "heard", "announcement": "visible", "multicast": "heard", "isolation": "none", "people": "all"}
    found = await says(here, anna, "well", **cases)
    assert here.address in json.dumps(found)
    assert (await anna.ready())["identity"]["name"] not in json.dumps(found)


async def test_nobody_is_there(lab: Lab, start: Starts) -> None:
    here = lab.host()
    await router(lab, here)
    found = await says(here, await start(here), "alone", multicast="heard", isolation="cannot_tell", own_multicast="heard")
    assert not [check for check in found["checks"] if check["state"] in {"warn", "fail"}]


async def test_multicast_is_filtered(lab: Lab, start: Starts) -> None:
    """Once an address has brought two together it is known; a router that answers is enough, too."""
    here, there, alone = lab.host(), lab.host(), lab.host()
    await router(lab, alone)
    lab.filter_multicast()
    _, ben = await two(start, here, there, "--connect", f"{here.address}:47000")
    await says(there, ben, "filtered", multicast="filtered", people="all", isolation="none")
    assert (await examined(await start(alone)))["verdict"] == "filtered"


async def test_clients_are_isolated(lab: Lab, start: Starts) -> None:
    """A guest Wi-Fi: whoever is in it reaches the router, which passes mDNS on as large Wi-Fis do, and nobody else."""
    here, there = lab.host(), lab.host()
    await router(lab, here, there, reflect=True)
    for host in (here, there):
        host.isolate()
    anna, ben = await start(here), await start(there)
    await ben.ready()
    began = time.monotonic()
    await anna.ready()
    found = await says(here, anna, "isolated", isolation="likely", people="none_reached", neighbours="answer")
    print(f"\nclient isolation: {found['detail']}")
    spent, since = used(anna), time.monotonic()
    await examined(ben)  # some seconds in which anna has nothing to do but to try
    await examined(ben)
    share = (used(anna) - spent) / (time.monotonic() - since)
    print(f"isolated for {time.monotonic() - began:.0f} s: {share:.2%} of a processor")
    assert share < IDLE


async def test_isolation_without_evidence_is_not_claimed(lab: Lab, start: Starts) -> None:
    """The same where mDNS is not passed on: then only an address that somebody gives makes it probable."""
    here, there = lab.host(), lab.host()
    await router(lab, here, there)
    for host in (here, there):
        host.isolate()
    anna = await start(here, "--port", "47000")
    ben = await start(there, "--connect", f"{here.address}:47000")
    found = await examined(anna)
    assert (found["verdict"], case(found, "isolation")) == ("alone", "cannot_tell")
    found = await examined(ben)
    assert (found["verdict"], case(found, "isolation")) == ("maybe_isolated", "possible")


async def test_no_interface(lab: Lab, start: Starts) -> None:
    here = lab.host()
    here.unplug()
    anna = await start(here)
    await anna.ready()
    asked = time.monotonic()
    await examined(anna)
    assert time.monotonic() - asked < GOAL / 2
    await says(here, anna, "no_interface", interfaces="none")
    ben = await start(lab.host())
    await ben.ready()
    spent, since = used(anna), time.monotonic()
    for _ in range(2):
        await examined(ben)  # some seconds
    share = (used(anna) - spent) / (time.monotonic() - since)
    print(f"\nno interface: {share:.2%} of a processor")
    assert share < IDLE


async def test_a_vpn_is_the_default_route(lab: Lab, start: Starts) -> None:
    """It is the first thing to try where nobody answers, and no trouble where others are reached."""
    here, there = lab.host(), lab.host()
    await here.tunnel()
    anna = await start(here)
    await says(here, anna, "vpn", vpn="default_route")
    ben = await start(there)
    await anna.online(await ben.identity())
    found = await examined(anna)
    assert (found["verdict"], case(found, "vpn")) == ("well", "default_route")


async def test_inbound_connections_are_dropped(lab: Lab, start: Starts) -> None:
    """Told by whose turn it was to dial: the lesser name dials first, so here starts until it has the greater one."""
    here, there = lab.host(), lab.host()
    here.drop_inbound()
    ben = await start(there)
    await ben.ready()
    other = (await ben.call("node.status"))["discovery"]["advertised"]
    anna = await start(here)
    await anna.ready()
    while (await anna.call("node.status"))["discovery"]["advertised"] < other:
        await anna.kill()
        shutil.rmtree(here.home / "peertalk")  # or it would dial at once where ben was
        anna = await start(here)
        await anna.ready()
    await anna.online(await ben.identity())
    await says(here, anna, "inbound_blocked", inbound="waited_in_vain", people="all", listener="reachable")
    assert (await examined(ben))["verdict"] == "well"


async def test_a_firewall_here_drops_what_it_is_to_search_with(lab: Lab, start: Starts) -> None:
    here = lab.host()
    dropped = "add rule inet firewall input iif eth0 udp dport 5353 drop"
    chain = "add chain inet firewall input { type filter hook input priority 0; }"
    nft(here.namespace, "add table inet firewall", chain, dropped)
    await says(here, await start(here), "multicast_blocked", own_multicast="not_heard")


async def test_without_a_running_process_it_asks_with_a_node_that_leaves_nothing(lab: Lab, start: Starts) -> None:
    here, there = lab.host(), lab.host()
    ben = await start(there)
    await ben.ready()
    before = len(ben.events)
    code, text = await printed(here, "--json")
    report = json.loads(text)
    assert (code, report["verdict"], case(report, "people")) == (0, "well", "all")
    assert not (here.home / "peertalk").exists()
    assert [event["type"] for event in ben.events[before:]] == []
