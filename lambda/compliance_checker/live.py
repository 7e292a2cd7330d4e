"""What the account says now, asked where a record alone cannot tell.

Reading is bounded: a flood of records may not keep the function from raising its alerts. Answers
are kept for a minute, since one change often comes in several records. Whatever cannot be read
raises :class:`NotReadError`, and the alert says so; it is never taken for an answer.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import aws

Clients = Callable[[str, str | None], Any]

OTHER_ACCOUNT = "OtherAccount"
_KEPT_SECONDS = 60.0
_KEPT_ANSWERS = 256
_READS_PER_INVOCATION = 60
_SECONDS_PER_INVOCATION = 15.0
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]")
_GONE = re.compile(r"(NotFound|NoSuch|NotFoundException)")
_LARGEST_PREFIX_LIST = 1000
# More than IAM's quotas let a group hold: 20 managed policies, 5,120 characters of inline ones.
_GROUP_POLICIES = {"MaxItems": 100, "PageSize": 100}


class NotReadError(Exception):
    """One read that brought no answer: which call, on what, and why (an error code)."""

    def __init__(self, call: str, resource: str, code: str) -> None:
        super().__init__(f"{call} on {resource}: {code}")
        self.call = call
        self.resource = resource
        self.code = code

    @property
    def gone(self) -> bool:
        """Whether what was asked for does not exist (any more)."""
        return _GONE.search(self.code) is not None

    def as_details(self) -> dict[str, str]:
        """The failed read as it stands in an alert."""
        return {"call": self.call, "resource": self.resource[:512], "error": self.code[:128]}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: account and region, as far as the record says."""

    account: str | None
    region: str | None


class LiveState:
    """Reads the account that the function runs in, each thing once a minute at most."""

    def __init__(self, account: str | None, clients: Clients = aws.client_in) -> None:
        self._account = account
        self._clients = clients
        self._answers: OrderedDict[tuple[object, ...], tuple[float, Any]] = OrderedDict()
        self._reads = 0
        self._until = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin an invocation: its reads are counted and timed anew."""
        self._reads = 0
        self._until = time.monotonic() + _SECONDS_PER_INVOCATION

    def prefix_list(self, place: Place, prefix_list: str) -> list[str]:
        """The CIDR blocks of a prefix list, AWS's too (EC2 GetManagedPrefixListEntries)."""

        def read(ec2: Any) -> list[str]:
            pages = ec2.get_paginator("get_managed_prefix_list_entries").paginate(
                PrefixListId=prefix_list,
                PaginationConfig={"MaxItems": _LARGEST_PREFIX_LIST, "PageSize": 100},
            )
            return [entry["Cidr"] for page in pages for entry in page["Entries"]]

        call = "ec2:GetManagedPrefixListEntries"
        blocks: list[str] = self._read(place, "ec2", call, prefix_list, read)
        return blocks

    def incoming(self, place: Place, rule: str) -> bool:
        """Whether a security group's rule is for incoming traffic (EC2 DescribeSecurityGroupRules).

        A rule keeps its direction as long as it exists.
        """

        def read(ec2: Any) -> bool:
            answer = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])
            return not answer["SecurityGroupRules"][0]["IsEgress"]

        return bool(self._read(place, "ec2", "ec2:DescribeSecurityGroupRules", rule, read))

    def policy_document(self, place: Place, policy: str, version: str | None = None) -> object:
        """The document of a managed policy's version, by default the one in force (IAM)."""
        if version is None:

            def default(iam: Any) -> object:
                return iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]

            version = str(self._read(place, "iam", "iam:GetPolicy", policy, default))

        def read(iam: Any) -> object:
            answer = iam.get_policy_version(PolicyArn=policy, VersionId=version)
            return answer["PolicyVersion"]["Document"]

        return self._read(place, "iam", "iam:GetPolicyVersion", policy, read, version)

    def attached_group_policies(self, place: Place, group: str) -> list[str]:
        """The ARNs of the managed policies of a group (IAM ListAttachedGroupPolicies)."""

        def read(iam: Any) -> list[str]:
            pages = iam.get_paginator("list_attached_group_policies").paginate(
                GroupName=group, PaginationConfig=_GROUP_POLICIES
            )
            return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]

        call = "iam:ListAttachedGroupPolicies"
        policies: list[str] = self._read(place, "iam", call, group, read)
        return policies

    def inline_group_policies(self, place: Place, group: str) -> list[str]:
        """The names of the policies that stand in a group itself (IAM ListGroupPolicies)."""

        def read(iam: Any) -> list[str]:
            pages = iam.get_paginator("list_group_policies").paginate(
                GroupName=group, PaginationConfig=_GROUP_POLICIES
            )
            return [name for page in pages for name in page["PolicyNames"]]

        policies: list[str] = self._read(place, "iam", "iam:ListGroupPolicies", group, read)
        return policies

    def inline_group_policy(self, place: Place, group: str, policy: str) -> object:
        """The document of a policy that stands in a group itself (IAM GetGroupPolicy)."""

        def read(iam: Any) -> object:
            answer = iam.get_group_policy(GroupName=group, PolicyName=policy)
            return answer["PolicyDocument"]

        return self._read(place, "iam", "iam:GetGroupPolicy", group, read, policy)

    def trail(self, place: Place, trail: str) -> Mapping[str, Any]:
        """A trail's configuration by name or ARN (CloudTrail GetTrail)."""

        def read(cloudtrail: Any) -> Mapping[str, Any]:
            found: Mapping[str, Any] = cloudtrail.get_trail(Name=trail)["Trail"]
            return found

        answer: Mapping[str, Any] = self._read(
            place, "cloudtrail", "cloudtrail:GetTrail", trail, read
        )
        return answer

    def _read(
        self,
        place: Place,
        service: str,
        call: str,
        resource: str,
        read: Callable[[Any], object],
        part: str = "",
    ) -> Any:
        key = (place, call, resource, part)
        present = time.monotonic()
        known = self._answers.get(key)
        if known is None or known[0] < present:
            known = present + _KEPT_SECONDS, self._ask(place, service, call, resource, read)
            self._answers[key] = known
            self._answers.move_to_end(key)
            while len(self._answers) > _KEPT_ANSWERS:
                self._answers.popitem(last=False)
        if isinstance(known[1], NotReadError):
            raise known[1].with_traceback(None)
        return known[1]

    def _ask(
        self, place: Place, service: str, call: str, resource: str, read: Callable[[Any], object]
    ) -> object:
        """The answer, or the reason why there is none."""
        if self._account and place.account and place.account != self._account:
            return NotReadError(call, resource, OTHER_ACCOUNT)
        region = place.region
        if region is not None and _REGION.fullmatch(region) is None:
            return NotReadError(call, resource, "UnknownRegion")
        # Not kept as an answer: the next invocation may ask again.
        if self._reads >= _READS_PER_INVOCATION or time.monotonic() > self._until:
            raise NotReadError(call, resource, "TooManyReads")
        self._reads += 1
        try:
            return read(self._clients(service, region))
        except aws.errors() as error:
            return NotReadError(call, resource, aws.code(error))
        except (AttributeError, LookupError, TypeError):
            return NotReadError(call, resource, "UnexpectedAnswer")
