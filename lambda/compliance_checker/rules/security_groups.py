"""Security groups opened to the Internet, by address or by a prefix list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..addresses import Opening
from ..live import LiveState, NotReadError, Place
from ..model import Confirmed, Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, flag, mapping, members, objects, text
from .exposure import exposed, exposure_severity, in_words, read_opening

_EC2 = "ec2.amazonaws.com"


def _permission_cidrs(permission: Any) -> Iterator[object]:
    for ranges, key in (("ipRanges", "cidrIp"), ("ipv6Ranges", "cidrIpv6")):
        for entry in members(permission.get(ranges)):
            yield entry.get(key) if isinstance(entry, dict) else entry


def _requested(event: Event) -> Iterator[Opening | None]:
    """What the request asks for: flat (``cidrIp`` beside the ports) or in ``ipPermissions``."""
    flat = event.parameters
    for key in ("cidrIp", "cidrIpv6"):
        yield read_opening(
            flat.get("ipProtocol"), flat.get("fromPort"), flat.get("toPort"), flat.get(key)
        )
    for permission in objects(flat.get("ipPermissions")):
        for cidr in _permission_cidrs(permission):
            yield read_opening(
                permission.get("ipProtocol"),
                permission.get("fromPort"),
                permission.get("toPort"),
                cidr,
            )


def _created(event: Event) -> Iterator[Opening | None]:
    """What the response says was made; records since 2022 list every rule with its direction."""
    for rule in objects(event.response.get("securityGroupRuleSet")):
        if flag(rule.get("isEgress")):
            continue
        for key in ("cidrIpv4", "cidrIpv6"):
            yield read_opening(
                rule.get("ipProtocol"), rule.get("fromPort"), rule.get("toPort"), rule.get(key)
            )


def _security_group_id(event: Event) -> str | None:
    created = next(objects(event.response.get("securityGroupRuleSet")), {})
    return (
        text(event.parameters.get("groupId"))
        or text(created.get("groupId"))
        or text(event.parameters.get("groupName"))
    )


def _judge_security_group(event: Event, _: AuditPipeline) -> Finding | None:
    openings = exposed(_requested(event))
    # The request is what the caller meant, the response what came of it: either is enough.
    if not openings:
        openings = exposed(_created(event))
    if not openings:
        return None
    group = _security_group_id(event)
    rules = [
        identifier
        for rule in objects(event.response.get("securityGroupRuleSet"))
        if (identifier := text(rule.get("securityGroupRuleId")))
    ]
    details: dict[str, Any] = {"exposures": [opening.as_details() for opening in openings]}
    if rules:
        details["security_group_rule_ids"] = rules
    return Finding(
        resource_id=group,
        reason=(
            f"Security group {group or '(unnamed)'} now admits {in_words(openings)}. "
            "Anyone on the Internet can reach whatever the group is attached to."
        ),
        details=details,
        severity=exposure_severity(openings),
    )


def _place(event: Event) -> Place:
    return Place(event.account, event.region)


_Listed = tuple[str, object, object, object]  # prefix list, protocol, first and last port


def _listed(event: Event) -> Iterator[_Listed]:
    """The prefix lists that a call lets in; only the live state knows what they hold."""
    for permission in objects(event.parameters.get("ipPermissions")):
        for entry in objects(permission.get("prefixListIds")):
            identifier = text(entry.get("prefixListId"))
            if identifier:
                yield (
                    identifier,
                    permission.get("ipProtocol"),
                    permission.get("fromPort"),
                    permission.get("toPort"),
                )


def _listed_in_modified(event: Event) -> Iterator[_Listed]:
    for _, rule in _modified(event):
        identifier = text(rule.get("PrefixListId") or rule.get("prefixListId"))
        if identifier:
            yield (
                identifier,
                rule.get("IpProtocol", rule.get("ipProtocol")),
                rule.get("FromPort", rule.get("fromPort")),
                rule.get("ToPort", rule.get("toPort")),
            )


def _open_lists(
    event: Event, listed: Iterable[_Listed], live: LiveState
) -> tuple[list[Opening], list[str], list[NotReadError], bool]:
    """What the prefix lists open, which could not be read, why, and whether one could."""
    openings: list[Opening | None] = []
    unknown: list[str] = []
    failures: list[NotReadError] = []
    read = False
    for identifier, protocol, first, last in listed:
        try:
            blocks = live.prefix_list(_place(event), identifier)
        except NotReadError as error:
            # A list that is gone lets nobody in: EC2 keeps one that a rule still names.
            if not error.gone:
                unknown.append(identifier)
                failures.append(error)
            continue
        read = True
        openings += [read_opening(protocol, first, last, block) for block in blocks]
    return exposed(openings), unknown, failures, read


def _confirm_security_group(
    event: Event, _: AuditPipeline, finding: Finding | None, live: LiveState
) -> Confirmed:
    return _with_lists(event, _listed(event), finding, live, _security_group_id(event))


def _with_lists(
    event: Event,
    listed: Iterable[_Listed],
    finding: Finding | None,
    live: LiveState,
    group: str | None,
) -> Confirmed:
    openings, unknown, failures, read = _open_lists(event, listed, live)
    not_read = tuple(failures)
    if openings:
        details: dict[str, Any] = dict(finding.details) if finding else {}
        known = list(details.get("exposures", []))
        details["exposures"] = known + [opening.as_details() for opening in openings]
        return Confirmed(
            Finding(
                resource_id=group,
                reason=(
                    f"Security group {group or '(unnamed)'} now admits, by a prefix list, "
                    f"{in_words(openings)}. Anyone on the Internet can reach whatever the group "
                    "is attached to."
                ),
                details=details,
                severity=(
                    "CRITICAL"
                    if finding and finding.severity == "CRITICAL"
                    else exposure_severity(openings)
                ),
            ),
            True,
            not_read,
        )
    if finding is None and unknown:
        finding = Finding(
            resource_id=group,
            reason=(
                f"Security group {group or '(unnamed)'} now admits the prefix list "
                f"{', '.join(unknown[:5])}, whose content could not be read: it may hold the whole "
                "Internet."
            ),
            details={"prefix_lists": unknown},
            severity="MEDIUM",
        )
    return Confirmed(finding, read and finding is not None and not unknown, not_read)


def _modified(event: Event) -> Iterator[tuple[str | None, Any]]:
    """Identifier and new content of each rule in a ModifySecurityGroupRules request."""
    request = mapping(event.parameters.get("ModifySecurityGroupRulesRequest")) or event.parameters
    for entry in objects(request.get("SecurityGroupRule") or request.get("securityGroupRules")):
        rule = mapping(entry.get("SecurityGroupRule") or entry.get("securityGroupRule")) or entry
        yield text(entry.get("SecurityGroupRuleId") or entry.get("securityGroupRuleId")), rule


def _confirm_modified_rules(
    event: Event, _: AuditPipeline, finding: Finding | None, live: LiveState
) -> Confirmed:
    """Ask for each rule's direction: what only goes out is no exposure."""
    listed = list(_listed_in_modified(event))
    if finding is None and not listed:
        return Confirmed(None)
    incoming: list[str | None] = []
    failures: list[NotReadError] = []
    for identifier, _rule in _modified(event):
        try:
            if identifier is None or live.incoming(_place(event), identifier):
                incoming.append(identifier)
        except NotReadError as error:
            incoming.append(identifier)
            failures.append(error)
    if not incoming:
        return Confirmed(None, True)
    request = mapping(event.parameters.get("ModifySecurityGroupRulesRequest")) or event.parameters
    group = text(request.get("GroupId") or request.get("groupId"))
    known = not failures and None not in incoming
    if finding is not None and known:
        kept = [(each, rule) for each, rule in _modified(event) if each in incoming]
        finding = _modified_finding(group, kept, direction_known=True)
    confirmed = _with_lists(event, listed, finding, live, group)
    return Confirmed(
        confirmed.finding,
        confirmed.read or (known and confirmed.finding is not None),
        (*failures, *confirmed.not_read),
    )


def _judge_modified_rules(event: Event, _: AuditPipeline) -> Finding | None:
    """ModifySecurityGroupRules keeps the XML wrapper and Pascal case and gives no direction."""
    request = mapping(event.parameters.get("ModifySecurityGroupRulesRequest")) or event.parameters
    group = text(request.get("GroupId") or request.get("groupId"))
    return _modified_finding(group, list(_modified(event)), direction_known=False)


def _modified_finding(
    group: str | None, rules: list[tuple[str | None, Any]], *, direction_known: bool
) -> Finding | None:
    openings: list[Opening | None] = []
    for _, rule in rules:
        protocol = rule.get("IpProtocol", rule.get("ipProtocol"))
        first = rule.get("FromPort", rule.get("fromPort"))
        last = rule.get("ToPort", rule.get("toPort"))
        for key in ("CidrIpv4", "CidrIpv6", "cidrIpv4", "cidrIpv6"):
            openings.append(read_opening(protocol, first, last, rule.get(key)))
    found = exposed(openings)
    if not found:
        return None
    meaning = (
        "Anyone on the Internet can reach whatever the group is attached to."
        if direction_known
        else "The record does not say whether the rule is for incoming or outgoing traffic; if "
        "incoming, anyone on the Internet can reach whatever the group is attached to."
    )
    return Finding(
        resource_id=group,
        reason=(
            f"A rule of security group {group or '(unnamed)'} was changed to {in_words(found)}. "
            + meaning
        ),
        details={
            "exposures": [opening.as_details() for opening in found],
            "security_group_rule_ids": [identifier for identifier, _ in rules if identifier],
            "direction_known": direction_known,
        },
        severity=exposure_severity(found),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="security-group-open-to-internet",
        title="Security group opened to the Internet",
        severity="CRITICAL",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        resource_type="AWS::EC2::SecurityGroup",
        fields=(
            "requestParameters.ipPermissions",
            "requestParameters.cidrIp",
            "responseElements.securityGroupRuleSet",
        ),
        events=((_EC2, "AuthorizeSecurityGroupIngress"),),
        judge=_judge_security_group,
        confirm=_confirm_security_group,
    ),
    Rule(
        id="security-group-rule-changed-to-internet",
        title="Security group rule changed to the whole Internet",
        severity="CRITICAL",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        resource_type="AWS::EC2::SecurityGroup",
        fields=("requestParameters.ModifySecurityGroupRulesRequest.SecurityGroupRule",),
        events=((_EC2, "ModifySecurityGroupRules"),),
        judge=_judge_modified_rules,
        confirm=_confirm_modified_rules,
    ),
)
