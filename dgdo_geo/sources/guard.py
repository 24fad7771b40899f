"""Which addresses may be fetched that a visitor typed: only those of the open internet, at a usual port.

A program inside the network of an office that fetches whatever a stranger types is a way into that network. Used by
:mod:`dgdo_geo.sources.wire` before every connection, after every redirect again; the address that was judged is the
one that is connected to. Registries: IANA special-purpose addresses (RFC 6890), IPv4 and IPv6.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from dgdo_geo.errors import DataError
from dgdo_geo.sources.addresses import parsed, where

PORTS = frozenset({80, 443, 8080, 8443})
"""Of web servers; another one may be a mail server or a database that takes a request for a command."""
STANDARD = {"http": 80, "https": 443}
_OPEN_IPV6 = ipaddress.ip_network("2000::/3")
_NOT_OPEN = tuple(
    map(
        ipaddress.ip_network,
        (
            # Not in every version of `ipaddress`: shared by providers, protocols, old relays, measuring, documentation.
            "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "3fff::/20",
            # IPv6 in which another address is wrapped: Teredo and other protocols, 6to4. NAT64 lies outside 2000::/3.
            "2001::/23", "2002::/16",
        ),
    )
)  # fmt: skip


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet, and is nothing but itself.

    An IPv6 address that stands for an IPv4 address (mapped, 6to4, Teredo, NAT64) is not: where it leads is decided by
    a machine that we do not know.

    >>> is_public("145.131.0.1"), is_public("10.0.0.1"), is_public("::ffff:145.131.0.1")
    (True, False, False)
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in _OPEN_IPV6 or ip.scope_id):
        return False
    is_special = ip.is_multicast or ip.is_reserved or any(ip in network for network in _NOT_OPEN)
    return ip.is_global and not is_special


@dataclass(frozen=True, slots=True)
class Guard:
    """What a client refuses.

    Parameters
    ----------
    ports : collection of int
        That may be connected to.
    """

    ports: Collection[int] = PORTS

    def check_url(self, url: str) -> None:
        """Judge an address before its host is looked up.

        Raises
        ------
        DataError
            ``source_address`` when it is not http(s) or has a user name, ``source_port`` for an unusual port.
        """
        parts = parsed(url)
        if parts is None:
            raise DataError("source_address", url=where(url)["url"])
        port = parts.port or STANDARD[str(parts.scheme)]
        if port not in self.ports:
            raise DataError("source_port", **where(url), port=port, known=", ".join(map(str, sorted(self.ports))))

    def allows(self, address: str) -> bool:
        """Whether a connection may be made to this IP address."""
        return is_public(address)
