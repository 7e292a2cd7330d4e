"""Whether whoever asks may read, write and decrypt: Athena acts in the caller's name.

https://docs.aws.amazon.com/athena/latest/ug/security-iam-athena-calledvia.html
"""

from __future__ import annotations

from typing import Any

from sandbox import regions
from sandbox.access import permissions, policy
from sandbox.access.caller import Caller
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.world import World


class Access:
    """One caller's permissions, by its own policies and those of buckets and keys."""

    def __init__(self, world: World, caller: Caller, region: str) -> None:
        self._world = world
        self._caller = caller
        self._region = region
        self._context: dict[str, str | tuple[str, ...]] = {
            "aws:securetransport": "true",
            "aws:principalarn": caller.principal_arn,
            "aws:principalaccount": caller.account,
            "aws:principalisawsservice": "false",
            "aws:viaawsservice": "true",
            "aws:calledvia": ("athena.amazonaws.com",),
            "aws:requestedregion": region,
        }
        self._documents: dict[str, policy.Document] = {}

    def may(self, action: str, resource: str, via: str | None = None) -> bool:
        """Whether the caller's own policies allow an action. Hold the lock."""
        role = self._caller.role_arn
        if role is None:
            return True
        keys = {**self._context, **({} if via is None else {"kms:viaservice": via})}
        return permissions.role_may(self._world, role, action, resource, keys)

    def may_on(self, bucket: Any, action: str, resource: str) -> bool:
        """Whether the caller may act on a bucket, or an object of it. Hold the lock."""
        said = self._said(f"bucket {bucket.name}", bucket.policy, action, resource, {})
        return said is not Decision.DENY and (said is Decision.ALLOW or self.may(action, resource))

    def may_use(self, key_id: str, action: str) -> bool:
        """Whether the caller may use a key through S3. Hold the lock."""
        key = permissions.find_key(self._world, key_id, self._region)
        if key is None or not key.enabled:
            return False
        via = f"s3.{self._region}.{regions.dns_suffix(self._region)}"
        said = self._said(key.arn, key.policy, action, key.arn, {"kms:viaservice": via})
        return said is not Decision.DENY and self.may(action, key.arn, via)

    def _said(
        self, name: str, text: Any, action: str, resource: str, context: dict[str, str]
    ) -> Decision:
        """What the policy of a resource says; it is read once for all of its objects."""
        if not text:
            return Decision.NEUTRAL
        if name not in self._documents:
            self._documents[name] = policy.parse(text)
        principal = Principal(
            arns=(self._caller.arn, self._caller.principal_arn), account=self._caller.account
        )
        request = AccessRequest(principal, action, resource, {**self._context, **context})
        decision = policy.evaluate([self._documents[name]], request)
        itself = AccessRequest(
            Principal(arns=principal.arns), action, resource, {**self._context, **context}
        )
        if decision is Decision.ALLOW:
            # What is allowed to the account is left to its principals' own policies.
            named = policy.evaluate([self._documents[name]], itself)
            return Decision.ALLOW if named is Decision.ALLOW else Decision.NEUTRAL
        return decision
