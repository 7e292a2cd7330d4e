"""Other ways in from the Internet: network ACLs and the groups that databases keep themselves."""

from __future__ import annotations

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, flag, integer, mapping, text
from .exposure import exposed, in_words, read_opening

_EC2 = "ec2.amazonaws.com"
_RDS = "rds.amazonaws.com"
_REDSHIFT = "redshift.amazonaws.com"


def _judge_database_group(event: Event, _: AuditPipeline) -> Finding | None:
    """The security groups that RDS and Redshift keep of their own (EC2-Classic)."""
    opening = read_opening("tcp", None, None, event.parameters.get("cIDRIP"))
    openings = exposed([opening])
    if not openings:
        return None
    group = text(event.parameters.get("dBSecurityGroupName")) or text(
        event.parameters.get("clusterSecurityGroupName")
    )
    return Finding(
        resource_id=group,
        reason=(
            f"Database security group {group or '(unnamed)'} now admits {openings[0].cidr}. "
            "Anyone on the Internet can reach the database."
        ),
        details={"exposures": [opening.as_details() for opening in openings]},
        resource_type=(
            "AWS::Redshift::ClusterSecurityGroup" if event.source == _REDSHIFT else None
        ),
    )


def _judge_acl_entry(event: Event, _: AuditPipeline) -> Finding | None:
    entry = event.parameters
    if flag(entry.get("egress")) or str(entry.get("ruleAction")).lower() != "allow":
        return None
    ports = mapping(entry.get("portRange"))
    openings = exposed(
        read_opening(entry.get("aclProtocol"), ports.get("from"), ports.get("to"), entry.get(key))
        for key in ("cidrBlock", "ipv6CidrBlock")
    )
    if not openings:
        return None
    acl = text(entry.get("networkAclId"))
    return Finding(
        resource_id=acl,
        reason=(
            f"Network ACL {acl or '(unnamed)'} now allows {in_words(openings)}: what the "
            "security groups behind it leave open can be reached from the Internet."
        ),
        details={
            "exposures": [opening.as_details() for opening in openings],
            "rule_number": integer(entry.get("ruleNumber")),
        },
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="database-group-open-to-internet",
        title="Database security group opened to the Internet",
        severity="CRITICAL",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        resource_type="AWS::RDS::DBSecurityGroup",
        fields=("requestParameters.cIDRIP",),
        events=(
            (_RDS, "AuthorizeDBSecurityGroupIngress"),
            (_REDSHIFT, "AuthorizeClusterSecurityGroupIngress"),
        ),
        judge=_judge_database_group,
    ),
    Rule(
        id="network-acl-open-to-internet",
        title="Network ACL opened to the Internet",
        severity="MEDIUM",
        citations=("164.312(a)(1)", "164.312(e)(1)"),
        resource_type="AWS::EC2::NetworkAcl",
        fields=(
            "requestParameters.egress",
            "requestParameters.ruleAction",
            "requestParameters.cidrBlock",
            "requestParameters.ipv6CidrBlock",
        ),
        events=((_EC2, "CreateNetworkAclEntry"), (_EC2, "ReplaceNetworkAclEntry")),
        judge=_judge_acl_entry,
    ),
)
