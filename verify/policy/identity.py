"""Whether a role's or user's policy gives more than it names.

Sources: IAM user guide, "Apply least-privilege permissions"; Service Authorization Reference, the
tables of actions with their resource types.
"""

from __future__ import annotations

from verify.policy.document import Document, Policy, Statement
from verify.policy.finding import Finding
from verify.policy.patterns import action_matches, arn_fields, has_wildcard

# Actions for which the Service Authorization Reference lists no resource type, so that only
# Resource "*" works. Kept to what an audit trail's roles and their verifier may use.
ACTIONS_WITHOUT_RESOURCES = frozenset(
    {
        "access-analyzer:ListAnalyzers",
        "athena:ListWorkGroups",
        "cloudtrail:DescribeTrails",
        "cloudtrail:ListPublicKeys",
        "cloudtrail:ListTrails",
        "cloudtrail:LookupEvents",
        "cloudwatch:DescribeAlarmsForMetric",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
        "config:DescribeConfigRules",
        "config:DescribeDeliveryChannels",
        "ec2:GetEbsEncryptionByDefault",
        "events:ListEventBuses",
        "events:ListRuleNamesByTarget",
        "events:ListRules",
        "guardduty:ListDetectors",
        "iam:GenerateCredentialReport",
        "iam:GetAccountPasswordPolicy",
        "iam:GetAccountSummary",
        "iam:GetCredentialReport",
        "iam:ListAccountAliases",
        "iam:ListGroups",
        "iam:ListOpenIDConnectProviders",
        "iam:ListPolicies",
        "iam:ListRoles",
        "iam:ListSAMLProviders",
        "iam:ListUsers",
        "kms:ListAliases",
        "kms:ListKeys",
        "lambda:GetAccountSettings",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "logs:CreateLogDelivery",
        "logs:DescribeAccountPolicies",
        "logs:DescribeDeliveryDestinations",
        "logs:DescribeDestinations",
        "logs:DescribeLogGroups",
        "logs:DescribeQueries",
        "logs:DescribeResourcePolicies",
        "logs:ListScheduledQueries",
        "logs:ListSyslogConfigurations",
        "logs:PutResourcePolicy",
        "logs:StopQuery",
        "logs:TestMetricFilter",
        "organizations:DescribeOrganization",
        "s3:GetAccountPublicAccessBlock",
        "s3:ListAllMyBuckets",
        "sns:GetSubscriptionAttributes",
        "sns:ListSubscriptions",
        "sns:ListTopics",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
        "sqs:ListQueues",
        "ssm:DescribeParameters",
        "sts:GetCallerIdentity",
        "tag:GetResources",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)

# EC2's Describe actions have no resource types but for these.
_EC2_DESCRIBE_WITH_RESOURCES = frozenset(
    f"ec2:describe{name}"
    for name in (
        "capacityblockextensionofferings",
        "clientvpnauthorizationrules",
        "clientvpnconnections",
        "clientvpnroutes",
        "clientvpntargetnetworks",
        "fleethistory",
        "fleetinstances",
        "fpgaimageattribute",
        "imageattribute",
        "instanceattribute",
        "securitygroupreferences",
        "snapshotattribute",
        "spotfleetinstances",
        "spotfleetrequesthistory",
        "volumeattribute",
        "vpcattribute",
        "vpcendpointservicepermissions",
    )
)

# Actions that name a log group, and that CloudWatch Logs asks for on "*" to see the account's
# policies of that kind (its API reference, DescribeAccountPolicies). They tell settings alone.
_FOR_ACCOUNT_POLICIES = frozenset(
    {
        "logs:DescribeSubscriptionFilters",
        "logs:GetDataProtectionPolicy",
        "logs:GetTransformer",
    }
)
_WITHOUT_RESOURCES = frozenset(
    action.lower() for action in ACTIONS_WITHOUT_RESOURCES | _FOR_ACCOUNT_POLICIES
)


def overbroad_identity_statements(document: Policy) -> tuple[Finding, ...]:
    """Allow statements that give more than they name; empty when none does. Raises PolicyError.

    - every action (`*`), every action of a service (`s3:*`), a wildcard in the service's name, or a
      verb that begins with a wildcard;
    - NotAction, NotResource;
    - iam:PassRole on any role, whatever its conditions;
    - a resource that stands for everything (`*`, or an ARN with nothing but wildcards for its
      resource) with an action that could name one, conditions or not.
    """
    findings = []
    for statement in Document.parse(document).statements:
        if statement.allows:
            findings += _judge(statement)
    return tuple(findings)


def _judge(statement: Statement) -> list[Finding]:
    findings = []
    if statement.not_actions:
        names = ", ".join(statement.not_actions)
        findings.append(
            Finding.about(statement, "NotAction", f"allows every action but {names} (NotAction)")
        )
    if statement.not_resources:
        names = ", ".join(statement.not_resources)
        findings.append(
            Finding.about(statement, "NotResource", f"allows all but {names} (NotResource)")
        )
    everything = [resource for resource in statement.resources if _is_everything(resource)]
    for action in statement.actions:
        broad = _breadth(action)
        if broad is not None:
            findings.append(Finding.about(statement, action, f"allows {action}: {broad}"))
        elif everything and _takes_resources(action):
            what = f"allows {action} on {', '.join(everything)}, though it can name its resources"
            findings.append(Finding.about(statement, action, what))
        if action_matches(action, "iam:PassRole") and _any_role(statement):
            what = f"lets any role be passed on ({action} on {', '.join(statement.resources)})"
            findings.append(Finding.about(statement, "iam:PassRole", what))
    return findings


def _breadth(action: str) -> str | None:
    service, colon, verb = action.partition(":")
    if not colon:
        return "every action of every service" if has_wildcard(action) else "not an action"
    if has_wildcard(service):
        return "actions of more than one service"
    if not verb.strip("*?"):
        return f"every action of {service}"
    if verb[0] in "*?":
        return "actions of any beginning"
    return None


def _is_everything(resource: str) -> bool:
    fields = arn_fields(resource)
    if fields is None:
        return has_wildcard(resource)
    return has_wildcard(fields[2]) or not fields[5].strip("*?:/")


def _takes_resources(action: str) -> bool:
    name = action.lower()
    if has_wildcard(name):
        return True
    if name.startswith("ec2:describe"):
        return name in _EC2_DESCRIBE_WITH_RESOURCES
    return name not in _WITHOUT_RESOURCES


def _any_role(statement: Statement) -> bool:
    for resource in statement.resources:
        fields = arn_fields(resource)
        if fields is None or _is_everything(resource):
            return True
        kind, _, name = fields[5].partition("/")
        if kind in ("role", "*") and not name.strip("*?/"):
            return True
    return bool(statement.not_resources)
