"""The titles of what controls cite, and the controls by what they cite.

Titles of 45 CFR Part 164 as the Code of Federal Regulations has them
(https://www.ecfr.gov/current/title-45/subtitle-A/subchapter-C/part-164/subpart-C), and of the
families of NIST SP 800-53 Revision 5. The mapping of a control to a citation is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from verify.model import ControlResult

HIPAA: Mapping[str, str] = {
    "164.308(a)(1)(ii)(A)": "Risk analysis",
    "164.308(a)(1)(ii)(B)": "Risk management",
    "164.308(a)(1)(ii)(D)": "Information system activity review",
    "164.308(a)(3)(i)": "Workforce security",
    "164.308(a)(3)(ii)(A)": "Authorization and/or supervision",
    "164.308(a)(3)(ii)(B)": "Workforce clearance procedure",
    "164.308(a)(3)(ii)(C)": "Termination procedures",
    "164.308(a)(4)(i)": "Information access management",
    "164.308(a)(4)(ii)(A)": "Isolating health care clearinghouse functions",
    "164.308(a)(4)(ii)(B)": "Access authorization",
    "164.308(a)(4)(ii)(C)": "Access establishment and modification",
    "164.308(a)(5)(ii)(C)": "Log-in monitoring",
    "164.308(a)(5)(ii)(D)": "Password management",
    "164.308(a)(6)(i)": "Security incident procedures",
    "164.308(a)(6)(ii)": "Response and reporting",
    "164.308(a)(7)(i)": "Contingency plan",
    "164.308(a)(7)(ii)(A)": "Data backup plan",
    "164.308(a)(7)(ii)(B)": "Disaster recovery plan",
    "164.308(a)(7)(ii)(C)": "Emergency mode operation plan",
    "164.308(a)(8)": "Evaluation",
    "164.310(d)(2)(i)": "Disposal",
    "164.310(d)(2)(iv)": "Data backup and storage",
    "164.312(a)(1)": "Access control",
    "164.312(a)(2)(i)": "Unique user identification",
    "164.312(a)(2)(ii)": "Emergency access procedure",
    "164.312(a)(2)(iii)": "Automatic logoff",
    "164.312(a)(2)(iv)": "Encryption and decryption",
    "164.312(b)": "Audit controls",
    "164.312(c)(1)": "Integrity",
    "164.312(c)(2)": "Mechanism to authenticate electronic protected health information",
    "164.312(d)": "Person or entity authentication",
    "164.312(e)(1)": "Transmission security",
    "164.312(e)(2)(i)": "Integrity controls",
    "164.312(e)(2)(ii)": "Encryption",
    "164.316(b)(1)": "Documentation",
    "164.316(b)(2)(i)": "Time limit",
}
NIST: Mapping[str, str] = {
    "AC": "Access Control",
    "AT": "Awareness and Training",
    "AU": "Audit and Accountability",
    "CA": "Assessment, Authorization, and Monitoring",
    "CM": "Configuration Management",
    "CP": "Contingency Planning",
    "IA": "Identification and Authentication",
    "IR": "Incident Response",
    "MA": "Maintenance",
    "MP": "Media Protection",
    "PE": "Physical and Environmental Protection",
    "PL": "Planning",
    "PM": "Program Management",
    "PS": "Personnel Security",
    "PT": "PII Processing and Transparency",
    "RA": "Risk Assessment",
    "SA": "System and Services Acquisition",
    "SC": "System and Communications Protection",
    "SI": "System and Information Integrity",
    "SR": "Supply Chain Risk Management",
}


@dataclass(frozen=True)
class Cited:
    """What controls cite, with its title, and the verdicts on them, in the catalogue's order."""

    name: str
    title: str
    results: tuple[ControlResult, ...]


@dataclass(frozen=True)
class Grouping:
    """All controls by one kind of citation."""

    name: str
    anchor: str
    groups: tuple[Cited, ...]


def groupings(results: Sequence[ControlResult]) -> tuple[Grouping, ...]:
    """The controls by HIPAA citation, by NIST family and by the CIS benchmark's sections."""
    return (
        Grouping(
            "By HIPAA citation (45 CFR Part 164)",
            "by-hipaa",
            _grouped(
                results,
                lambda one: one.control.citations.primary + one.control.citations.secondary,
                HIPAA,
            ),
        ),
        Grouping(
            "By family of NIST SP 800-53 Revision 5",
            "by-nist",
            _grouped(
                results,
                lambda one: [name.partition("-")[0] for name in one.control.citations.nist],
                NIST,
            ),
        ),
        Grouping(
            "By section of the CIS AWS Foundations Benchmark",
            "by-cis",
            _grouped(results, lambda one: one.control.citations.cis, {}),
        ),
    )


def _grouped(
    results: Iterable[ControlResult],
    cited: Callable[[ControlResult], Iterable[str]],
    titles: Mapping[str, str],
) -> tuple[Cited, ...]:
    found: dict[str, list[ControlResult]] = {}
    for result in results:
        for name in dict.fromkeys(cited(result)):
            found.setdefault(name, []).append(result)
    return tuple(
        Cited(name, titles.get(name, ""), tuple(members)) for name, members in sorted(found.items())
    )
