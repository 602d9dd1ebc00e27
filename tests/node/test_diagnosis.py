"""What the doctor concludes from what it found: each verdict with its evidence, and none without."""

from __future__ import annotations

import dataclasses
from errno import EHOSTUNREACH, EPERM
from typing import Any

import pytest

from peertalk.core.events import Check, Report
from peertalk.node.diagnosis import Findings, Peer, conclude
from peertalk.node.probes import Heard
from peertalk.node.surroundings import Surroundings

ROUTER, BEN, OWN = "10.0.0.254", "10.0.0.2", "10.0.0.1"
WORKS = Heard("eth0", own=True, visible=True, sent=2)
ALONE = Findings(
    platform="linux",
    port=47000,
    addresses=(("eth0", OWN),),
    around=Surroundings(neighbours={}),
    heard=(WORKS,),
    listening=((OWN, "open"),),
)
SEEN = Peer(host=BEN)


def heard(**fields: Any) -> tuple[Heard, ...]:
    return (dataclasses.replace(WORKS, **fields),)


def around(**table: bool) -> Surroundings:
    return Surroundings(neighbours={host.replace("_", "."): answers for host, answers in table.items()})


def peers(outcome: Any = None, **fields: Any) -> tuple[Peer, ...]:
    return (dataclasses.replace(SEEN, outcome=outcome, **fields),)


LINKED: dict[str, Any] = {"peers": peers(linked=True), "links": 1, "near": 1, "heard": heard(others={BEN})}
AT_THE_ROUTER = Surroundings(neighbours={ROUTER: True, BEN: False}, gateways=(ROUTER,))

SITUATIONS: list[tuple[str, dict[str, Any]]] = [
    ("well", LINKED),
    ("well", LINKED | {"visits": 1, "unvisited": 3}),
    ("well", {"rooms": 0, "peers": peers(shares_nothing=True), "heard": heard(others={BEN})}),
    ("inbound_blocked", LINKED | {"unvisited": 1}),
    ("inbound_blocked", {"listening": ((OWN, "silent"),)}),
    ("filtered", {"links": 1, "near": 1}),
    ("filtered", {"direct": frozenset({ROUTER})}),
    ("no_shared_room", {"peers": peers(shares_nothing=True), "heard": heard(others={BEN})}),
    ("connecting", {"peers": peers("open"), "heard": heard(others={BEN})}),
    ("no_interface", {"addresses": (), "heard": (), "listening": ()}),
    ("isolated", {"peers": peers("silent"), "around": AT_THE_ROUTER, "heard": heard(others={ROUTER})}),
    ("isolated", {"peers": peers("absent"), "heard": heard(others={ROUTER})}),
    ("maybe_isolated", {"peers": peers("silent", announced=False), "around": AT_THE_ROUTER}),
    ("unreachable", {"peers": peers("silent"), "around": around(**{BEN: True}), "heard": heard(others={BEN})}),
    ("unreachable", {"peers": peers("refused"), "heard": heard(others={BEN})}),
    ("outbound_blocked", {"peers": peers("denied"), "heard": heard(others={BEN})}),
    ("outbound_blocked", {"heard": heard(own=False, sent=0, errors={EPERM})}),
    ("not_permitted", {"platform": "darwin", "heard": heard(own=False, sent=0, errors={EHOSTUNREACH})}),
    ("multicast_blocked", {"heard": heard(own=False, visible=False)}),
    ("search_off", {"searching": False, "heard": ()}),
    ("vpn", {"around": Surroundings(tunnels=("tun0",), through="tun0")}),
    ("alone", {}),
    ("alone", {"heard": heard(others={ROUTER}), "around": around(**{ROUTER: True})}),
]  # fmt: skip


def report(**fields: Any) -> Report:
    return conclude(dataclasses.replace(ALONE, **fields))


def check(which: str, **fields: Any) -> Check:
    return next(one for one in report(**fields).checks if one.id == which)


@pytest.mark.parametrize(("verdict", "fields"), SITUATIONS, ids=[f"{verdict}-{n}" for n, (verdict, _) in enumerate(SITUATIONS)])
def test_each_verdict_has_its_evidence(verdict: str, fields: dict[str, Any]) -> None:
    assert report(**fields).verdict == verdict


def test_all_is_looked_at_in_one_order() -> None:
    ids = [one.id for one in report().checks]
    first = ["interfaces", "vpn", "search", "own_multicast", "announcement", "multicast", "listener", "inbound"]
    assert ids == [*first, "people", "neighbours", "isolation", "firewall"]
    assert report(platform="darwin").checks[-1].id == "permission"
    assert [one.id for one in report(addresses=()).checks] == ["interfaces", "vpn", "search", "firewall"]


# ── what must not be claimed ─────────────────────────────────────────────────────────────────────────────────────────


def test_who_was_announced_and_may_have_gone_is_no_evidence() -> None:
    gone = {"peers": peers("silent", now=False), "around": AT_THE_ROUTER, "heard": heard(others={ROUTER})}
    assert report(**gone).verdict != "isolated"
    assert check("people", **gone).case == "nobody_seen"


def test_nobody_is_kept_apart_where_nobody_at_all_answers() -> None:
    assert report(peers=peers("silent"), around=around(**{BEN: False})).verdict == "unreachable"
    assert check("isolation", peers=peers("silent"), around=around(**{BEN: False})).case == "cannot_tell"


def test_nobody_is_kept_apart_who_is_in_another_network() -> None:
    elsewhere = {"peers": peers("absent", near=False), "heard": heard(others={ROUTER})}
    assert report(**elsewhere).verdict == "unreachable"


def test_silence_says_nothing_about_the_network() -> None:
    assert check("multicast").state == "unknown"
    assert check("isolation").state == "unknown"
    assert check("inbound").state == "unknown"
    assert check("neighbours").case == "nobody"
    assert check("neighbours", around=Surroundings()).case == "cannot_know"


def test_multicast_from_anybody_means_that_it_is_not_filtered() -> None:
    assert report(links=1, near=1, heard=heard(others={ROUTER})).verdict == "well"
    assert report(links=1, near=1, peers=peers(linked=True)).verdict == "well"


def test_who_is_linked_over_a_router_tells_nothing_of_this_network() -> None:
    assert report(links=1, near=0).verdict == "well"
    assert check("isolation", links=1, near=0).state == "unknown"


def test_a_vpn_is_told_and_is_no_verdict_where_others_are_reached() -> None:
    through = Surroundings(tunnels=("tun0",), through="tun0")
    assert report(**LINKED | {"around": through}).verdict == "well"
    assert check("vpn", **LINKED | {"around": through}).state == "warn"
    assert check("vpn", around=Surroundings(tunnels=("tun0",))).state == "ok"


# ── single checks ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_device_that_was_heard_twice_is_one() -> None:
    both = {BEN, "fe80::2%2", "10.0.0.3"}
    assert check("multicast", heard=heard(others=both)).values == {"n": 2}


def test_a_visit_from_outside_is_what_shows_that_no_firewall_is_in_the_way() -> None:
    assert [check(which, visits=1).state for which in ("inbound", "firewall")] == ["ok", "ok"]
    blocked = check("inbound", **LINKED | {"unvisited": 2})
    assert (blocked.state, blocked.values) == ("warn", {"n": 2})


@pytest.mark.parametrize(
    ("platform", "around", "case"),
    [
        ("linux", Surroundings(firewalls=("ufw",)), "ufw"),
        ("linux", Surroundings(), "none_seen"),
        ("win32", Surroundings(), "windows"),
        ("darwin", Surroundings(), "macos"),
    ],
)
def test_the_firewall_of_the_platform(platform: str, around: Surroundings, case: str) -> None:
    found = check("firewall", platform=platform, around=around)
    assert (found.state, found.case, found.values["port"]) == ("unknown", case, 47000)


def test_some_of_those_who_are_seen() -> None:
    two = (*peers(linked=True), Peer(host="10.0.0.3", outcome="silent"))
    found = check("people", peers=two, links=1, near=1)
    assert (found.state, found.case, found.values) == ("warn", "some", {"seen": 2, "reached": 1, "unreached": 1})
    assert check("own_multicast", heard=(WORKS, Heard("wlan0", sent=1))).values == {"names": ["wlan0"]}
