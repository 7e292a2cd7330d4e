"""The calls: reads, harmless changes, and violations, which are undone by a harmless change.

Each worker has resources of its own, made beforehand, so that what one does is nothing to the
others, and the account stays as large as it is.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from soak.account import Account
from soak.ledger import Violation
from verify.live_fire.invocation import samples
from verify.live_fire.paths import LOGS, QUICK

_BOTH, _LOGS = frozenset({QUICK, LOGS}), frozenset({LOGS})
_ANYWHERE, _INSIDE = "0.0.0.0/0", "10.0.0.0/8"
_PORTS = range(1024, 60000)
# More of one kind than an hour has alerts of its own for: the rest is told together.
_BURST = 30
_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)


@dataclass(frozen=True)
class Made:
    """A call that was made, and the violation that it is, if it is one."""

    violation: Violation | None = None


Act = Callable[["Worker", random.Random], Iterator[Made]]


def _document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


class Worker:
    """What one worker acts on."""

    def __init__(self, account: Account, number: int) -> None:
        self.account = account
        self.name = f"soak-{uuid.uuid4().hex[:8]}-{number}"
        partition = account.deployment.partition
        ec2, iam, s3 = (account.client(each) for each in ("ec2", "iam", "s3"))
        self.vpc = ec2.create_vpc(CidrBlock=f"172.{16 + number % 16}.0.0/16")["Vpc"]["VpcId"]
        self.group = self.make_group("group")
        inside = ec2.authorize_security_group_ingress(GroupId=self.group, **_port(22, _INSIDE))
        self.group_rule = inside["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        self.acl = ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        s3.create_bucket(
            Bucket=self.name,
            CreateBucketConfiguration={"LocationConstraint": account.deployment.region},
        )
        self.own_trust = _document(
            Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}
        )
        iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=self.own_trust)
        owner = {"AWS": f"arn:{partition}:iam::{account.deployment.account_id}:root"}
        self.key_policy = _document(Action="kms:*", Resource="*", Principal=owner)
        self.key = account.client("kms").create_key(Policy=self.key_policy)["KeyMetadata"]["KeyId"]
        self.topic = account.client("sns").create_topic(Name=self.name)["TopicArn"]
        self.topic_policy = self.topic_attributes["Policy"]
        self.queue = account.client("sqs").create_queue(QueueName=self.name)["QueueUrl"]
        group = account.deployment.trail_log_group_name
        self.stream = {"logGroupName": group, "logStreamName": self.name}
        account.client("logs").create_log_stream(**self.stream)

    @property
    def topic_attributes(self) -> Mapping[str, str]:
        """Those of the worker's topic."""
        answer = self.account.client("sns").get_topic_attributes(TopicArn=self.topic)
        return dict(answer["Attributes"])

    def make_group(self, name: str) -> str:
        """Make a security group; its id."""
        created = self.account.client("ec2").create_security_group(
            GroupName=f"{self.name}-{name}", Description="soak", VpcId=self.vpc
        )
        return str(created["GroupId"])

    def do(self, service: str, call: str, rule: str | None = None, **parameters: Any) -> Made:
        """Make one call, which `rule` forbids."""
        answer = getattr(self.account.client(service), call)(**parameters)
        if rule is None:
            return Made()
        request = str(answer["ResponseMetadata"]["RequestId"])
        return Made(Violation(request, rule, f"{service}:{call}", _BOTH))


def _port(port: int, source: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": source}


# --- reads ----------------------------------------------------------------------------------------

_READS: tuple[tuple[str, str, Callable[[Worker], dict[str, Any]]], ...] = (
    ("ec2", "describe_security_groups", lambda worker: {"GroupIds": [worker.group]}),
    ("ec2", "describe_vpcs", lambda worker: {"VpcIds": [worker.vpc]}),
    ("s3", "get_bucket_versioning", lambda worker: {"Bucket": worker.name}),
    ("iam", "get_role", lambda worker: {"RoleName": worker.name}),
    ("kms", "describe_key", lambda worker: {"KeyId": worker.key}),
    ("sns", "get_topic_attributes", lambda worker: {"TopicArn": worker.topic}),
    (
        "sqs",
        "get_queue_attributes",
        lambda worker: {"QueueUrl": worker.queue, "AttributeNames": ["All"]},
    ),
    ("sts", "get_caller_identity", lambda worker: {}),
    ("cloudtrail", "describe_trails", lambda worker: {}),
)


def read(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Look at something."""
    service, call, parameters = source.choice(_READS)
    yield worker.do(service, call, **parameters(worker))


# --- harmless changes -----------------------------------------------------------------------------


def change_group(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Let somebody inside in, and out again."""
    rule = _port(source.choice(_PORTS), _INSIDE)
    yield worker.do("ec2", "authorize_security_group_ingress", GroupId=worker.group, **rule)
    yield worker.do("ec2", "revoke_security_group_ingress", GroupId=worker.group, **rule)


def change_tags(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Tag something."""
    tags = [{"Key": "soak", "Value": str(source.random())}]
    yield worker.do("ec2", "create_tags", Resources=[worker.group], Tags=tags)
    yield worker.do("iam", "tag_role", RoleName=worker.name, Tags=tags)


def change_narrowly(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Allow little, and no longer."""
    narrow = _document(Action="s3:GetObject", Resource=f"arn:aws:s3:::{worker.name}/*")
    inline = {"RoleName": worker.name, "PolicyName": f"narrow-{source.randrange(3)}"}
    yield worker.do("iam", "put_role_policy", **inline, PolicyDocument=narrow)
    yield worker.do("iam", "delete_role_policy", **inline)


# --- violations -----------------------------------------------------------------------------------


def open_group(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Open a group to everybody."""
    rule = _port(source.choice(_PORTS), _ANYWHERE)
    opened = "security-group-open-to-internet"
    group = {"GroupId": worker.group}
    yield worker.do("ec2", "authorize_security_group_ingress", opened, **group, **rule)
    yield worker.do("ec2", "revoke_security_group_ingress", **group, **rule)


def open_group_often(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Open one group again and again, more often than has an alert each."""
    group = worker.make_group(f"burst-{source.getrandbits(64):x}")
    yield Made()
    for port in source.sample(_PORTS, _BURST):
        yield worker.do(
            "ec2",
            "authorize_security_group_ingress",
            "security-group-open-to-internet",
            GroupId=group,
            **_port(port, _ANYWHERE),
        )
    yield worker.do("ec2", "delete_security_group", GroupId=group)


def turn_rule(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Turn a group's rule to everybody, and back."""
    turned = "security-group-rule-changed-to-internet"
    for cidr, rule in ((_ANYWHERE, turned), (_INSIDE, None)):
        values = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": cidr}
        one = {"SecurityGroupRuleId": worker.group_rule, "SecurityGroupRule": values}
        parameters = {"GroupId": worker.group, "SecurityGroupRules": [one]}
        yield worker.do("ec2", "modify_security_group_rules", rule, **parameters)


def open_acl(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Open a network ACL."""
    entry = {"NetworkAclId": worker.acl, "RuleNumber": source.randrange(1, 30000), "Egress": False}
    yield worker.do(
        "ec2",
        "create_network_acl_entry",
        "network-acl-open-to-internet",
        **entry,
        Protocol="-1",
        RuleAction="allow",
        CidrBlock=_ANYWHERE,
    )
    yield worker.do("ec2", "delete_network_acl_entry", **entry)


def publish_bucket(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Let everybody read a bucket, by its policy."""
    policy = _document(
        Action="s3:GetObject", Resource=f"arn:aws:s3:::{worker.name}/*", Principal="*"
    )
    bucket = {"Bucket": worker.name}
    yield worker.do("s3", "put_bucket_policy", "bucket-policy-public", **bucket, Policy=policy)
    yield worker.do("s3", "delete_bucket_policy", **bucket)


def publish_by_acl(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Let everybody read a bucket, by its ACL."""
    bucket = {"Bucket": worker.name}
    yield worker.do("s3", "put_bucket_acl", "bucket-acl-public", **bucket, ACL="public-read")
    yield worker.do("s3", "put_bucket_acl", **bucket, ACL="private")


def weaken_bucket(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Take a bucket's protections away, and give them back."""
    bucket = {"Bucket": worker.name}
    weakened, suspended = "public-access-block-weakened", "bucket-versioning-suspended"
    yield worker.do(
        "s3", "put_public_access_block", **bucket, PublicAccessBlockConfiguration=_BLOCKED
    )
    yield worker.do("s3", "delete_public_access_block", weakened, **bucket)
    for status, rule in (("Suspended", suspended), ("Enabled", None)):
        yield worker.do(
            "s3",
            "put_bucket_versioning",
            rule,
            **bucket,
            VersioningConfiguration={"Status": status},
        )
    yield worker.do("s3", "delete_bucket_encryption", "bucket-encryption-weakened", **bucket)
    yield worker.do(
        "s3", "put_bucket_logging", "bucket-logging-disabled", **bucket, BucketLoggingStatus={}
    )


def allow_everything(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Let a role do everything, and no longer."""
    role = {"RoleName": worker.name}
    inline = {**role, "PolicyName": "everything"}
    document = _document(Action="*", Resource="*")
    broad, attached = "iam-policy-too-broad", "iam-administrator-policy-attached"
    managed = {**role, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    yield worker.do("iam", "put_role_policy", broad, **inline, PolicyDocument=document)
    yield worker.do("iam", "delete_role_policy", **inline)
    yield worker.do("iam", "attach_role_policy", attached, **managed)
    yield worker.do("iam", "detach_role_policy", **managed)


def trust_anyone(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Let everybody assume a role, and no longer."""
    anyone = _document(Action="sts:AssumeRole", Principal={"AWS": "*"})
    for document, rule in ((anyone, "iam-role-trusts-anyone"), (worker.own_trust, None)):
        parameters = {"RoleName": worker.name, "PolicyDocument": document}
        yield worker.do("iam", "update_assume_role_policy", rule, **parameters)


def harm_key(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Stop a key's rotation, disable it, let everybody use it, plan its end; and undo all of it."""
    key = {"KeyId": worker.key}
    yield worker.do("kms", "enable_key_rotation", **key)
    yield worker.do("kms", "disable_key_rotation", "kms-key-rotation-disabled", **key)
    yield worker.do("kms", "disable_key", "kms-key-disabled", **key)
    yield worker.do("kms", "enable_key", **key)
    public = _document(Action="kms:*", Resource="*", Principal="*")
    for document, rule in ((public, "kms-key-policy-public"), (worker.key_policy, None)):
        yield worker.do("kms", "put_key_policy", rule, **key, PolicyName="default", Policy=document)
    yield worker.do("kms", "schedule_key_deletion", "kms-key-deletion-scheduled", **key)
    yield worker.do("kms", "cancel_key_deletion", **key)
    yield worker.do("kms", "enable_key", **key)


def open_topic(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Let everybody publish to a topic, and no longer."""
    public = _document(Action="sns:Publish", Resource=worker.topic, Principal="*")
    for document, rule in ((public, "topic-policy-public"), (worker.topic_policy, None)):
        parameters = {"AttributeName": "Policy", "AttributeValue": document}
        yield worker.do("sns", "set_topic_attributes", rule, TopicArn=worker.topic, **parameters)


def put_record(worker: Worker, source: random.Random) -> Iterator[Made]:
    """Put a record that breaks one of the rules, any of them, where CloudTrail puts it.

    The sandbox has not all services whose calls the rules know, and some of the calls would end
    the very deployment that tells of them. Such a record comes by the log group alone.
    """
    identity = str(uuid.UUID(int=source.getrandbits(128)))
    records = [each for each in samples(worker.account.deployment, identity) if not each.is_finding]
    sample = source.choice(records)
    moment = datetime.now(UTC)
    named = {"eventID": identity, "requestID": identity}
    record = {**sample.record, **named, "eventTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    event = {"timestamp": int(moment.timestamp() * 1000), "message": json.dumps(record)}
    worker.do("logs", "put_log_events", **worker.stream, logEvents=[event])
    yield Made(Violation(identity, sample.rule, "a record put by hand", _LOGS))


# How often each is chosen, in relation to the others.
MIX: Mapping[Act, int] = {
    read: 900,
    change_group: 40,
    change_tags: 40,
    change_narrowly: 20,
    open_group: 10,
    turn_rule: 10,
    open_acl: 10,
    publish_bucket: 10,
    publish_by_acl: 10,
    weaken_bucket: 10,
    allow_everything: 10,
    trust_anyone: 10,
    harm_key: 5,
    open_topic: 10,
    put_record: 40,
    open_group_often: 1,
}
