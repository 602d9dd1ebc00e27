"""The doctor's report as sentences: what each check found, what that means, and what to do. Made to be copied to others for help:
no names, no rooms, no keys; own addresses only. The cases are those of node/diagnosis.py (docs/rpc.md, "The doctor's report")."""

from __future__ import annotations

from typing import Final

import msgspec

from peertalk.core.events import Check, Report
from peertalk.i18n import N_, _, ngettext
from peertalk.say.names import listed

MARKS: Final = {"ok": "ok", "warn": "!", "fail": "!!", "unknown": "?"}
_SPOKEN: Final = {"fail": N_("Problem"), "warn": N_("Careful"), "unknown": N_("Unclear"), "ok": N_("Good")}
WELL: Final = ("well", "alone", "connecting")
"""The verdicts with which nothing here has failed."""

_FAR: Final = N_("Try it with two laptops on a phone's hotspot or on one cable: if they meet there, it is this network.")
_ADDRESS: Final = N_(
    "Connect by address: one starts PeerTalk with --port 47000 and says its address, the other types /connect ADDRESS:47000."
)

_VERDICTS: Final = {
    "well": N_("All is well: others are here, and this computer reaches them."),
    "connecting": N_("Others are here and can be reached. PeerTalk is connecting to them."),
    "alone": N_(
        "Everything works here, but nobody else answers. Perhaps nobody is there yet; or this network keeps its computers "
        "apart, which cannot be told from here."
    ),
    "no_interface": N_("This computer is in no network just now."),
    "no_shared_room": N_("Other PeerTalks are here, but you share no room with them."),
    "filtered": N_("This network does not pass on the multicasts by which people are found. Connections by address work."),
    "isolated": N_("This network keeps its computers apart (client isolation): others can be seen, but nothing gets to them."),
    "maybe_isolated": N_(
        "Nobody answers at the address you gave, though others of this network do. Either nobody is there, or this network "
        "keeps its computers apart (client isolation)."
    ),
    "unreachable": N_("Others can be seen, but no connection to them succeeds: a firewall is in between, probably on their side."),
    "inbound_blocked": N_("You reach others, but they do not reach you: a firewall on this computer is probably in the way."),
    "outbound_blocked": N_("This computer does not let PeerTalk send anything: a firewall or security program here forbids it."),
    "multicast_blocked": N_("This computer does not even hear itself when it searches: a firewall here probably blocks UDP port 5353."),
    "not_permitted": N_("macOS does not let PeerTalk, or the terminal that it runs in, use the local network."),
    "search_off": N_("Searching this network is switched off, so nobody is found."),
    "vpn": N_("Nobody answers, and a VPN is on, which often keeps a computer from the network around it."),
}  # fmt: skip

_TO_DO: Final = {
    "alone": (_FAR, _ADDRESS),
    "no_interface": (N_("Connect to a Wi-Fi or plug in a cable. PeerTalk notices by itself."),),
    "no_shared_room": (N_("Enter the room that the others are in, for instance with /join lobby."),),
    "filtered": (_ADDRESS, N_("If it is your router: switch off its filter for multicast (IGMP snooping, multicast enhancement).")),
    "isolated": (N_(
        "Use another network, a phone's hotspot or a cable; or have client isolation (AP isolation, guest network) switched "
        "off."
    ),),
    "maybe_isolated": (_FAR, N_("Check the address, and that PeerTalk runs there.")),
    "unreachable": (N_("On the other computers: run /doctor there too, and allow PeerTalk in their firewall."), _FAR),
    "inbound_blocked": (N_("Allow PeerTalk in the firewall of this computer; what is said of the firewall helps."),),
    "outbound_blocked": (N_("Allow PeerTalk (Python) in the firewall or security program of this computer, also for what it sends."),),
    "multicast_blocked": (N_(
        "Allow UDP port 5353 (mDNS) and PeerTalk's port in the firewall of this computer; what is said of the firewall helps."
    ),),
    "not_permitted": (N_(
        "Switch it on in System Settings > Privacy & Security > Local Network, for the terminal, then start it again."
    ),),
    "search_off": (N_("Start without --no-mdns (in config.toml: mdns = true), or connect by address: /connect ADDRESS:PORT."),),
    "vpn": (N_("Switch the VPN off for a moment, or allow the local network in its settings (LAN access)."), _ADDRESS),
}  # fmt: skip

_CHECKS: Final = {
    ("interfaces", "found"): N_("This computer is reached here as {addresses}."),
    ("interfaces", "none"): N_("No network interface is up and has an address."),
    ("vpn", "none"): N_("No VPN is in the way."),
    ("vpn", "present"): N_("There is a VPN or tunnel ({names}), but the internet is not reached through it."),
    ("vpn", "default_route"): N_(
        "What goes to the internet goes through a VPN or tunnel ({name}). Many of them also block the network around you."
    ),
    ("search", "on"): N_("Searching and being found is switched on."),
    ("search", "off"): N_("Searching and being found is switched off (--no-mdns, or mdns = false)."),
    ("own_multicast", "heard"): N_(
        "What is sent to everybody comes back to this computer. That shows that its own sockets work, not that it reaches "
        "others."
    ),
    ("own_multicast", "partly"): N_("What is sent to everybody does not come back on {names}."),
    ("own_multicast", "not_heard"): N_(
        "What is sent to everybody does not even come back to this computer: something on it drops UDP port 5353."
    ),
    ("own_multicast", "cannot_send"): N_("Nothing can be sent to everybody: this computer forbids it, or has no way out."),
    ("own_multicast", "not_tried"): N_("Whether multicast works was not tried, since searching is off."),
    ("announcement", "visible"): N_("Whoever asks on this computer is told of this PeerTalk."),
    ("announcement", "not_visible"): N_("A question for this PeerTalk was not answered, though it runs: others may not find it."),
    ("announcement", "not_tried"): N_("Nothing is announced, since searching is off."),
    ("multicast", "filtered"): N_(
        "Others answer when they are asked alone, but nothing that is sent to everybody arrives: this network filters "
        "multicast."
    ),
    ("multicast", "silence"): N_(
        "Within two seconds nobody else was heard, not even a printer or a phone. That is so where nobody is, where multicast "
        "is filtered, and where computers are kept apart."
    ),
    ("multicast", "not_tried"): N_("Whether others are heard was not tried, since searching is off."),
    ("listener", "reachable"): N_(
        "Port {port} answers at this computer's own addresses. A firewall usually lets that through, so it says little about "
        "others."
    ),
    ("listener", "not_reachable"): N_(
        "Port {port} does not answer at this computer's own address {addresses}: something on it drops connections."
    ),
    ("inbound", "came"): N_("Other computers have connected to this one: no firewall here keeps them out."),
    ("inbound", "nobody_came"): N_("No other computer has connected to this one yet, so whether they could cannot be told."),
    ("people", "nobody_seen"): N_("No other PeerTalk can be seen."),
    ("people", "no_shared_room"): N_("Other PeerTalks were reached, but you share no room with them."),
    ("people", "connecting"): N_("Other PeerTalks can be reached, but none is connected yet."),
    ("neighbours", "nobody"): N_("No other device of this network has shown itself, not even a router."),
    ("neighbours", "cannot_know"): N_("Which other devices are in this network, this system does not tell."),
    ("isolation", "none"): N_("This network lets its computers reach each other, at least some of them."),
    ("isolation", "cannot_tell"): N_(
        "Whether this network keeps its computers apart (client isolation) cannot be told: nothing speaks for it, nothing "
        "against."
    ),
    ("isolation", "possible"): N_(
        "Nobody answers at an address that was given, though others of this network do: nobody is there, or it keeps its "
        "computers apart (client isolation)."
    ),
    ("permission", "given"): N_("macOS lets PeerTalk use the local network."),
    ("permission", "missing"): N_("macOS probably does not let PeerTalk use the local network."),
    ("permission", "cannot_tell"): N_("Whether macOS lets PeerTalk use the local network cannot be told."),
}  # fmt: skip

_CHECK_TO_DO: Final = {
    ("own_multicast", "partly"): N_("Allow UDP port 5353 (mDNS) in the firewall of this computer for these interfaces too."),
    ("listener", "not_reachable"): N_("Allow this port in the firewall of this computer."),
    ("isolation", "cannot_tell"): N_(
        "To find out: /connect to a second laptop; or put both on a phone's hotspot or one cable, and see whether they meet "
        "there."
    ),
    ("permission", "cannot_tell"): N_(
        "Look in System Settings > Privacy & Security > Local Network; the terminal has to be switched on there."
    ),
}  # fmt: skip

_FIREWALLS: Final = {
    "ufw": N_("The firewall ufw is switched on. To let others in: sudo ufw allow {port}/tcp && sudo ufw allow 5353/udp"),
    "firewalld": N_("The firewall firewalld is running. To let others in: sudo firewall-cmd --add-port={port}/tcp --add-service=mdns"),
    "nftables": N_(
        "A firewall (nftables) is loaded at start. sudo nft list ruleset shows it; TCP port {port} and UDP port 5353 have to "
        "be let in."
    ),
    "none_seen": N_("No firewall that is known was seen on this computer; its rules themselves can only be read by root."),
    "windows": N_(
        "Windows asks at the first start whether to let PeerTalk (Python) in. To allow it later, as administrator: netsh "
        "advfirewall firewall add rule name=PeerTalk dir=in action=allow protocol=TCP localport={port}"
    ),
    "macos": N_(
        "If the macOS firewall is on (System Settings > Network > Firewall > Options), Python has to be allowed to take "
        "incoming connections."
    ),
}  # fmt: skip


def verdict(report: Report) -> str:
    """What is the matter, in a sentence or two."""
    template = _VERDICTS.get(report.verdict)
    return _(template) if template else report.verdict


def advice(report: Report) -> tuple[str, ...]:
    """What to do about it: nothing, one thing or two."""
    return tuple(_(each) for each in _TO_DO.get(report.verdict, ()))


def meaning(check: Check) -> str:
    """What a check found and what that means."""
    if check.id == "firewall":
        return _firewall(check)
    counted = _counted(check)
    if counted is not None:
        return counted
    template = _CHECKS.get((check.id, check.case))
    if template is None:
        return f"{check.id}: {check.case}"
    return _(template).format(**_values(check))


def remedy(check: Check) -> str:
    """What to do about what a check found, if anything."""
    if (
        check.id == "firewall"
        and "{port}" in _FIREWALLS.get(check.case, "")
        and check.state != "ok"
        and not check.values.get("chosen")
    ):
        return _("The port is another one at each start: begin with --port {port} to keep it.").format(**_values(check))
    template = _CHECK_TO_DO.get((check.id, check.case))
    return _(template) if template else ""


def detail(check: Check) -> str:
    """Both."""
    return " ".join(filter(None, (meaning(check), remedy(check))))


def lines(report: Report) -> tuple[str, ...]:
    """The whole report, one line for each thing. The verdict comes last: on a screen the end is what one sees."""
    looked_at = [f"{MARKS[check.state]:<2}  {detail(check)}" for check in report.checks]
    return (*looked_at, "", verdict(report), *(f"-> {each}" for each in advice(report)), "", closing(report))


def spoken(report: Report) -> tuple[str, ...]:
    """The whole report for the ear: what is the matter first, then what to do, then what was looked at, the worst first."""
    to_do = (_("What helps: {advice}").format(advice=each) for each in advice(report))
    checks = sorted(report.checks, key=lambda check: list(_SPOKEN).index(check.state))
    looked_at = (f"{_(_SPOKEN[check.state])}: {detail(check)}" for check in checks)
    return (verdict(report), *to_do, _("This was looked at:"), *looked_at, closing(report))


def as_data(report: Report) -> dict[str, object]:
    """The report as `node.doctor` and `peertalk doctor --json` give it: with the sentences, in the language of the process."""
    checks = [{**msgspec.to_builtins(check), "detail": detail(check)} for check in report.checks]
    return {"verdict": report.verdict, "detail": " ".join((verdict(report), *advice(report))), "checks": checks}


def closing(report: Report) -> str:
    """What is in the report, for whoever copies it."""
    if any(check.id == "interfaces" and check.values for check in report.checks):
        return _("This report contains addresses of this computer in this network, and no names, rooms or texts.")
    return _("This report contains no names, rooms, texts or addresses.")


def _values(check: Check) -> dict[str, str]:
    return {key: listed(value) if isinstance(value, list) else str(value) for key, value in check.values.items()}


def _firewall(check: Check) -> str:
    if check.state == "ok":
        return _("A firewall, if there is one, lets others in.")
    template = _FIREWALLS.get(check.case)
    return _(template).format(**_values(check)) if template else check.case


def _counted(check: Check) -> str | None:
    """The sentences with a number."""
    match check.id:
        case "people":
            return _people(check)
        case "neighbours" | "multicast" | "inbound" | "isolation" if "n" in check.values:
            return _devices(check, _number(check, "n"))
        case _:
            return None


def _people(check: Check) -> str | None:
    seen, reached = _number(check, "seen"), _number(check, "reached")
    match check.case:
        case "all":
            told = ngettext("{n} other PeerTalk was reached.", "{n} other PeerTalks were reached.", reached)
            return told.format(n=reached)
        case "some":
            told = ngettext(
                "{n} other PeerTalk can be seen, {reached} reached.",
                "{n} other PeerTalks can be seen, {reached} reached.",
                seen,
            )
            return told.format(n=seen, reached=reached)
        case "none_reached":
            told = ngettext(
                "{n} other PeerTalk can be seen, but not reached.",
                "{n} other PeerTalks can be seen, but none was reached.",
                seen,
            )
            return told.format(n=seen)
        case _:
            return None


def _devices(check: Check, n: int) -> str | None:
    match check.id, check.case:
        case "multicast", "heard":
            told = ngettext(
                "{n} other device was heard: what is sent to everybody arrives here.",
                "{n} other devices were heard: what is sent to everybody arrives here.",
                n,
            )
        case "inbound", "waited_in_vain":
            told = ngettext(
                "{n} other computer should have connected to this one and did not, though this one reached it.",
                "{n} other computers should have connected to this one and did not, though this one reached them.",
                n,
            )
        case "neighbours", "answer":
            told = ngettext("{n} other device of this network answers.", "{n} other devices of this network answer.", n)
        case "isolation", "likely":
            told = ngettext(
                "Nobody answers at the address of {n} PeerTalk that is announced here, though others of this network answer: "
                "computers are kept apart (client isolation).",
                "Nobody answers at the addresses of {n} PeerTalks that are announced here, though others of this network answer: "
                "computers are kept apart (client isolation).",
                n,
            )
        case _:
            return None
    return told.format(n=n)


def _number(check: Check, key: str) -> int:
    value = check.values.get(key)
    return value if isinstance(value, int) else 0
