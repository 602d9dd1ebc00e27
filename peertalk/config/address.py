"""Addresses as people write them: host and port."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from typing import Final

from peertalk.errors import RequestError

MAX_PORT: Final = 65535
MAX_HOST: Final = 253
_PORT: Final = re.compile("[0-9]{1,5}")


def parse_address(text: str) -> tuple[str, int]:
    """`192.168.1.20:47000`, `laptop.local:47000`, `[fe80::1%eth0]:47000` → (host, port). RequestError("bad_address")."""
    host, colon, port = text.strip().rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        valid = _is_ipv6(host)
    else:
        valid = _is_host(host)
    if not (colon and valid and _PORT.fullmatch(port) and 0 < int(port) <= MAX_PORT):
        raise RequestError("bad_address", address=text)
    return host, int(port)


def is_host(host: str) -> bool:
    """A host name, an IPv4 address, or an IPv6 address without brackets."""
    return _is_ipv6(host) or _is_host(host)


def _is_ipv6(host: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False


_LABEL: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")


def _is_host(host: str) -> bool:
    """A host name or an IPv4 address. What ends in a number has to be a whole address (so "1.2.3" is a slip, not a name)."""
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdecimal():
        with contextlib.suppress(ValueError):
            return bool(ipaddress.IPv4Address(host))
        return False
    return len(host) <= MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)
