"""What was found → what it means: a check for each thing that was looked at, and one verdict. Pure.

From inside one computer little is certain: nobody there, a network that filters multicast and one that keeps its computers
apart look alike until something contradicts. So each verdict names its evidence here, and without any the report says that
it cannot tell. The sentences are made by say.doctor; cases and values are those of docs/rpc.md, "The doctor's report".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from peertalk.core.events import Check, Report
from peertalk.node.probes import Heard, Outcome
from peertalk.node.surroundings import Surroundings

MACOS = "darwin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another PeerTalk, by its announcement or by an address that a person gave. `outcome` is None where it is linked, or known
    to be reached; `near`: its address is one of this network, not behind a router; `now`: it was named within the last seconds,
    and is not just remembered."""

    host: str
    near: bool = True
    announced: bool = True
    now: bool = True
    linked: bool = False
    shares_nothing: bool = False
    outcome: Outcome | None = None

    @property
    def reached(self) -> bool:
        """Whether connections get there."""
        return self.linked or self.shares_nothing or self.outcome == "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the doctor found. `listening`: own addresses → what a connection to the own port there came to; `links` how many are
    linked, `near` those of them that are in the same network; `direct` who answered by unicast; `visits` how often others have
    connected to here, `unvisited` how many should have; `rooms` how many rooms one is in (0: nobody can be linked)."""

    platform: str
    port: int
    chosen_port: bool = False
    searching: bool = True
    addresses: tuple[tuple[str, str], ...] = ()
    around: Surroundings = field(default_factory=Surroundings)
    heard: tuple[Heard, ...] = ()
    direct: frozenset[str] = frozenset()
    listening: tuple[tuple[str, Outcome], ...] = ()
    peers: tuple[Peer, ...] = ()
    links: int = 0
    near: int = 0
    visits: int = 0
    unvisited: int = 0
    rooms: int = 1

    # ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def others(self) -> set[str]:
        """Addresses of other computers that were heard by multicast."""
        return {host for one in self.heard for host in one.others}

    @property
    def announced(self) -> list[Peer]:
        """Those that are announced at this moment: others may have gone without a goodbye."""
        return [peer for peer in self.peers if peer.announced and (peer.now or peer.linked)]

    @property
    def unreached(self) -> list[Peer]:
        return [peer for peer in self.announced if not peer.reached]

    @property
    def reached(self) -> int:
        """How many are linked, or would be if there were a room in common."""
        return max(self.links, sum(peer.reached for peer in self.announced))

    @property
    def muted(self) -> bool:
        """Nothing could be sent by multicast."""
        return bool(self.heard) and all(one.errors and not one.sent for one in self.heard)

    @property
    def deaf(self) -> bool:
        """What was sent did not even come back to this computer, nor anything from elsewhere."""
        return bool(self.heard) and not (self.muted or self.others or any(one.own for one in self.heard))

    @property
    def filtered(self) -> bool:
        """Somebody on this network answers by unicast, or is linked, and nobody at all is heard by multicast."""
        near = self.direct or self.near
        return bool(self.heard and near and not (self.others or self.announced or self.muted or self.deaf))

    @property
    def answering(self) -> set[str]:
        """Other computers or routers of this network that have shown that they are there."""
        table = self.around.neighbours or {}
        return {host for host, answers in table.items() if answers} | self.direct | self.others

    def absent(self, peer: Peer) -> bool:
        """Whether nobody answers for its address: the packets do not even get to that computer."""
        if not peer.near:  # then a router has not found the way
            return False
        asked = (self.around.neighbours or {}).get(peer.host)
        return peer.outcome == "absent" or (peer.outcome == "silent" and asked is False)

    @property
    def kept_apart(self) -> list[Peer]:
        """Peers that nobody answers for, while others of this network do."""
        return [peer for peer in self.peers if self.absent(peer) and self.answering - {peer.host}]


def devices(addresses: Collection[str]) -> int:
    """How many devices these are at least: each may have been heard on IPv4 and on IPv6."""
    sixth = sum(":" in address for address in addresses)
    return max(sixth, len(addresses) - sixth)


def conclude(found: Findings) -> Report:
    """The report."""
    checks = [interfaces(found), vpn(found), search(found)]
    if found.addresses:
        checks += [own_multicast(found), announcement(found), multicast(found)]
        checks += [listener(found), inbound(found), people(found), neighbours(found), isolation(found)]
    checks.append(firewall(found))
    if found.platform == MACOS:
        checks.append(permission(found))
    return Report(verdict=verdict(found), checks=checks)


def verdict(found: Findings) -> str:
    """The one thing to say first. Those above are surer than those below, or have to be put right before anything else."""
    if found.reached:
        return _among_others(found)
    if not found.addresses:
        return "no_interface"
    if found.muted and found.platform == MACOS:
        return "not_permitted"
    if found.muted or (found.unreached and all(peer.outcome == "denied" for peer in found.unreached)):
        return "outbound_blocked"
    if any(peer in found.kept_apart for peer in found.announced):
        return "isolated"
    if found.around.through is not None:
        return "vpn"
    return "unreachable" if found.unreached else _nobody(found)


def _among_others(found: Findings) -> str:
    if not found.links and found.rooms:
        return "no_shared_room" if any(peer.shares_nothing for peer in found.announced) else "connecting"
    if found.filtered:
        return "filtered"
    return "inbound_blocked" if _is_blocked(found) else "well"


def _nobody(found: Findings) -> str:
    """Nobody is seen: what could be behind that, beside that nobody is there."""
    if not found.searching:
        return "search_off"
    if found.filtered:
        return "filtered"
    if found.deaf:
        return "multicast_blocked"
    if found.listening and all(outcome != "open" for _, outcome in found.listening):
        return "inbound_blocked"
    return "maybe_isolated" if found.kept_apart else "alone"


def _is_blocked(found: Findings) -> bool:
    return not found.visits and found.unvisited > 0


# ── this computer ────────────────────────────────────────────────────────────────────────────────────────────────────


def interfaces(found: Findings) -> Check:
    """Where others can be searched for, and by which addresses this computer is reached there."""
    shown = [f"{name} {address}" for name, address in found.addresses]
    if not shown:
        return Check(id="interfaces", state="fail", case="none")
    return Check(id="interfaces", state="ok", case="found", values={"addresses": shown})


def vpn(found: Findings) -> Check:
    """Whether there is a tunnel, and whether what goes to the internet goes through it."""
    if found.around.through is not None:
        return Check(id="vpn", state="warn", case="default_route", values={"name": found.around.through})
    if found.around.tunnels:
        return Check(id="vpn", state="ok", case="present", values={"names": list(found.around.tunnels)})
    return Check(id="vpn", state="ok", case="none")


def search(found: Findings) -> Check:
    """Whether others are searched for at all."""
    return Check(id="search", state="ok", case="on") if found.searching else Check(id="search", state="warn", case="off")


def firewall(found: Findings) -> Check:
    """What is known of a firewall here. Whether it is in the way only a visit from outside tells."""
    values: dict[str, str | int | list[str]] = {"port": found.port, "chosen": int(found.chosen_port)}
    system = {MACOS: "macos", "win32": "windows"}.get(found.platform, "")
    case = system or next(iter(found.around.firewalls), "none_seen")
    return Check(id="firewall", state="ok" if found.visits else "unknown", case=case, values=values)


def permission(found: Findings) -> Check:
    """macOS: whether the program may speak to the local network."""
    if found.others or found.links:
        return Check(id="permission", state="ok", case="given")
    return Check(id="permission", state="fail" if found.muted else "unknown", case="missing" if found.muted else "cannot_tell")


# ── multicast ────────────────────────────────────────────────────────────────────────────────────────────────────────


def own_multicast(found: Findings) -> Check:
    """Whether what is sent comes back: that tells of this computer's sockets and firewall, and nothing of the network."""
    if not found.heard:
        return Check(id="own_multicast", state="unknown", case="not_tried")
    if found.muted:
        return Check(id="own_multicast", state="fail", case="cannot_send")
    silent = [one.interface for one in found.heard if not one.own]
    if len(silent) == len(found.heard):
        return Check(id="own_multicast", state="fail", case="not_heard")
    if silent:
        return Check(id="own_multicast", state="warn", case="partly", values={"names": silent})
    return Check(id="own_multicast", state="ok", case="heard")


def announcement(found: Findings) -> Check:
    """Whether who asks on this computer is told of this PeerTalk."""
    if not (found.searching and found.heard):
        return Check(id="announcement", state="unknown", case="not_tried")
    visible = any(one.visible for one in found.heard)
    return Check(id="announcement", state="ok" if visible else "warn", case="visible" if visible else "not_visible")


def multicast(found: Findings) -> Check:
    """Whether anybody else is heard at all, PeerTalk or not."""
    if not found.heard:
        return Check(id="multicast", state="unknown", case="not_tried")
    if found.others:
        return Check(id="multicast", state="ok", case="heard", values={"n": devices(found.others)})
    if found.filtered:
        return Check(id="multicast", state="fail", case="filtered", values={"n": max(len(found.direct), found.near)})
    return Check(id="multicast", state="unknown", case="silence")


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def listener(found: Findings) -> Check:
    """Whether the own port answers at the own addresses; a firewall lets through what comes from the computer itself."""
    closed = [address for address, outcome in found.listening if outcome != "open"]
    if closed:
        return Check(id="listener", state="fail", case="not_reachable", values={"addresses": closed, "port": found.port})
    return Check(id="listener", state="ok", case="reachable", values={"port": found.port})


def inbound(found: Findings) -> Check:
    """Whether others get through to here: what counts is that somebody did."""
    if found.visits:
        return Check(id="inbound", state="ok", case="came")
    if found.unvisited:
        return Check(id="inbound", state="warn", case="waited_in_vain", values={"n": found.unvisited})
    return Check(id="inbound", state="unknown", case="nobody_came")


def people(found: Findings) -> Check:
    """How many others there are, and how many of them were reached."""
    seen = {"seen": len(found.announced), "reached": found.reached, "unreached": len(found.unreached)}
    if not (found.announced or found.reached):
        return Check(id="people", state="unknown", case="nobody_seen")
    if not found.reached:
        return Check(id="people", state="fail", case="none_reached", values={**seen})
    if not found.links and found.rooms:
        shares_nothing = any(peer.shares_nothing for peer in found.announced)
        case = "no_shared_room" if shares_nothing else "connecting"
        return Check(id="people", state="warn", case=case, values={**seen})
    return Check(
        id="people", state="warn" if found.unreached else "ok", case="some" if found.unreached else "all", values={**seen}
    )


def neighbours(found: Findings) -> Check:
    """Whether any other device of this network, a router for instance, has shown that it is there."""
    if found.answering:
        return Check(id="neighbours", state="ok", case="answer", values={"n": devices(found.answering)})
    return Check(id="neighbours", state="unknown", case="nobody" if found.around.neighbours is not None else "cannot_know")


def isolation(found: Findings) -> Check:
    """Whether the network keeps its computers from each other. That one other was reached says that it does not (for these)."""
    if found.near or any(peer.reached for peer in found.announced):
        return Check(id="isolation", state="ok", case="none")
    apart = found.kept_apart
    if any(peer in apart for peer in found.announced):
        return Check(id="isolation", state="fail", case="likely", values={"n": len(apart)})
    if apart:
        return Check(id="isolation", state="warn", case="possible", values={"n": len(apart)})
    return Check(id="isolation", state="unknown", case="cannot_tell")
