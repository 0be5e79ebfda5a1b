"""Where an endpoint must not be: an admin may name any host, but none that only this function's own sandbox can reach.

The admin key opens orgs, not the account. Link-local addresses are a cloud's metadata services, and may give out a
role; the loopback of a Lambda sandbox is its Runtime API, where other callers' requests and answers pass. Private
networks are allowed: there are the model servers that one has a base URL for. A name that resolves to such an address
is not seen here; nobody but the org's own admin can name it, and what answers there has to speak a provider's protocol.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from providers.routing.endpoint import Endpoint

    _Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html: of IPv6 it is no link-local one.
_METADATA: Final = ipaddress.ip_network("fd00:ec2::/32")
# All of it is "this host" to a Linux kernel (RFC 1122 §3.2.1.3), not 0.0.0.0 alone.
_THIS_HOST: Final = ipaddress.ip_network("0.0.0.0/8")


def check_address(endpoint: Endpoint, *, in_lambda: bool) -> None:
    """Raises `InvalidRequest` for an endpoint whose base URL is link-local or, in Lambda, loopback."""
    host = urlsplit(endpoint.base_url or "").hostname or ""
    name = host.rstrip(".")
    address = _address(name)
    if address is not None and (address.is_link_local or address in _METADATA):
        raise _refused("a link-local address, where clouds keep their metadata services")
    if in_lambda and (name.rpartition(".")[2] == "localhost" or (address is not None and _is_loopback(address))):
        raise _refused("this function's own sandbox, where there is no model")


def _address(host: str) -> _Address | None:
    """None for a name. IPv4 in every spelling that resolvers take: `127.1`, `0x7f000001`, `2130706433`."""
    try:
        found: _Address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found


def _is_loopback(address: _Address) -> bool:
    return address.is_loopback or address.is_unspecified or address in _THIS_HOST


def _refused(what: str) -> InvalidRequest:
    return InvalidRequest(f"base_url: is {what}.", param="base_url", code="invalid_value")
