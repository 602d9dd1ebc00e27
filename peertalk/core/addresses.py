"""Which addresses belong to no network but the own (docs/protocol.md, "What is believed" and "Words")."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

# RFC 1918 and RFC 4193. What Python calls private depends on its version, and holds ways into the internet (6to4, Teredo).
PRIVATE: Final = tuple(ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))


def is_private(address: IPv4Address | IPv6Address) -> bool:
    """Is it of RFC 1918 or RFC 4193, and so on no other network than where it is dialled from?"""
    return any(address in one for one in PRIVATE)
