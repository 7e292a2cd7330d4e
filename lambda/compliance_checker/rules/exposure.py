"""What an opening to the Internet is: read from any of AWS's forms, ranked, and put in words."""

from __future__ import annotations

from collections.abc import Iterable

from ..addresses import Opening, internet_openings, parse_block
from ..model import Severity
from ..record import integer, text

# Remote administration, file shares, databases and caches: nothing that belongs on the Internet.
_SENSITIVE_PORTS = (
    (20, 23),  # FTP, SSH, Telnet
    (25, 25),  # SMTP
    (135, 139),  # RPC, NetBIOS
    (445, 445),  # SMB
    (1433, 1434),  # SQL Server
    (1521, 1521),  # Oracle
    (2375, 2376),  # Docker
    (2379, 2380),  # etcd
    (3306, 3306),  # MySQL
    (3389, 3389),  # RDP
    (5432, 5432),  # PostgreSQL
    (5439, 5439),  # Redshift
    (5500, 5500),  # VNC
    (5601, 5601),  # Kibana
    (5900, 5900),  # VNC
    (5985, 5986),  # WinRM
    (6379, 6379),  # Redis
    (9042, 9042),  # Cassandra
    (9200, 9300),  # OpenSearch
    (11211, 11211),  # memcached
    (27017, 27019),  # MongoDB
)
_WEB_PORTS = ((80, 80), (443, 443))


def exposure_severity(openings: list[Opening]) -> Severity:
    """How grave openings to the Internet are, by what listens there."""
    ranked: Severity = "MEDIUM"
    for opening in openings:
        if opening.protocol.lower() in ("icmp", "icmpv6", "1", "58"):
            continue
        first, last = opening.ports
        if any(first <= high and low <= last for low, high in _SENSITIVE_PORTS):
            return "CRITICAL"
        if (first, last) not in _WEB_PORTS:
            ranked = "HIGH"
    return ranked


def _ports_in_words(opening: Opening) -> str:
    if opening.protocol == "-1":
        return "all traffic"
    if opening.ports == (0, 65535):
        return f"all {opening.protocol} ports"
    first, last = opening.ports
    return f"{opening.protocol} {first}" if first == last else f"{opening.protocol} {first}-{last}"


def in_words(openings: list[Opening]) -> str:
    """Openings as a person says them, the first five."""
    words = [f"{_ports_in_words(opening)} from {opening.cidr}" for opening in openings[:5]]
    more = len(openings) - len(words)
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def read_opening(protocol: object, first: object, last: object, cidr: object) -> Opening | None:
    """An opening from protocol, ports and CIDR in any of their forms; None without a CIDR."""
    block = parse_block(cidr)
    if block is None or not isinstance(cidr, str):
        return None
    number = integer(protocol)
    return Opening(
        protocol=str(number) if number is not None else text(protocol) or "-1",
        from_port=integer(first),
        to_port=integer(last),
        cidr=cidr,
        block=block,
    )


def exposed(openings: Iterable[Opening | None]) -> list[Opening]:
    """Those openings that let the Internet in, each one once."""
    known = [opening for opening in openings if opening is not None]
    return internet_openings(list(dict.fromkeys(known)))
