"""What a data protection policy of CloudWatch Logs looks for, masks, and tells of what it found.

Sources: CloudWatch Logs user guide, "Understanding data protection policies"; API reference,
PutDataProtectionPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from verify import foreign_json

_DESTINATIONS = {"CloudWatchLogs": "LogGroup", "Firehose": "DeliveryStream", "S3": "Bucket"}


class DataProtectionError(ValueError):
    """A policy that says something of which it is not known what it does."""


@dataclass(frozen=True)
class Protection:
    """What a policy does: identifiers as it names them, and where its findings go, in words."""

    audited: frozenset[str]
    masked: frozenset[str]
    told: tuple[str, ...]


def protection(document: str) -> Protection:
    """What a policy does, by all of its statements. Raises DataProtectionError."""
    try:
        statements = foreign_json.parsed(document)["Statement"]
        audited, masked, told = set[str](), set[str](), list[str]()
        for statement in statements:
            _only(statement, ("DataIdentifier", "Operation", "Sid"))
            _only(statement["Operation"], ("Audit", "Deidentify"))
            identifiers = _texts(statement["DataIdentifier"])
            audit = statement["Operation"].get("Audit")
            if audit is not None:
                audited |= identifiers
                told += _told(audit)
            masking = statement["Operation"].get("Deidentify")
            if masking is not None:
                _only(masking, ("MaskConfig",))
                _only(masking["MaskConfig"], ())
                masked |= identifiers
    except DataProtectionError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataProtectionError(f"the policy cannot be read: {error}") from None
    return Protection(frozenset(audited), frozenset(masked), tuple(told))


def _told(audit: Mapping[str, Any]) -> list[str]:
    _only(audit, ("FindingsDestination",))
    destinations = audit["FindingsDestination"]
    _only(destinations, _DESTINATIONS)
    return [f"{kind} {destinations[kind][_DESTINATIONS[kind]]}" for kind in sorted(destinations)]


def _texts(value: Any) -> set[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise DataProtectionError(f"identifiers are a list of texts, and not {value}")
    return set(value)


def _only(found: Mapping[str, Any], known: Iterable[str]) -> None:
    if not isinstance(found, Mapping):
        raise DataProtectionError(f"expected an object instead of {found}")
    strange = sorted(set(found) - set(known))
    if strange:
        raise DataProtectionError(f"what {', '.join(strange)} does is not known")
