"""Who makes a call: from the access key that signed it to CloudTrail's userIdentity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from moto.utilities.utils import get_partition

from sandbox.world import World

# The person behind credentials that the sandbox has not issued itself (any others are accepted).
OPERATOR_NAME = "sandbox"
OPERATOR_ID = "AIDASANDBOXOPERATOR00"

_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)


@dataclass(frozen=True)
class Signature:
    """What a request's SigV4 signature says: the key, and the region and service it is for."""

    access_key_id: str
    region: str
    service: str


@dataclass(frozen=True)
class Caller:
    """A principal. ``arn`` is the session's for an assumed role; ``role_arn`` its role's."""

    kind: str  # IAMUser, AssumedRole, Root
    arn: str
    principal_id: str
    account: str
    access_key_id: str
    user_name: str | None = None
    role_arn: str | None = None
    role_id: str | None = None
    session_started: str | None = None

    @property
    def principal_arn(self) -> str:
        """The value of aws:PrincipalArn: for a session the role's ARN, not the session's."""
        return self.role_arn or self.arn

    def user_identity(self) -> dict[str, Any]:
        """CloudTrail's userIdentity element."""
        identity: dict[str, Any] = {
            "type": self.kind,
            "principalId": self.principal_id,
            "arn": self.arn,
            "accountId": self.account,
            "accessKeyId": self.access_key_id,
        }
        if self.kind == "IAMUser":
            identity["userName"] = self.user_name
        if self.kind == "AssumedRole":
            identity["sessionContext"] = {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": self.role_id,
                    "arn": self.role_arn,
                    "accountId": self.account,
                    "userName": self.user_name,
                },
                "attributes": {
                    "creationDate": self.session_started,
                    "mfaAuthenticated": "false",
                },
            }
        return identity


def read_signature(environ: Mapping[str, Any]) -> Signature | None:
    """The signature of a request, from its header or its query string; None when unsigned."""
    found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found is None and "X-Amz-Credential" in environ.get("QUERY_STRING", ""):
        values = parse_qs(environ["QUERY_STRING"]).get("X-Amz-Credential", [""])
        found = _CREDENTIAL.search("Credential=" + values[0])
    if found is None:
        return None
    return Signature(found["key"], found["region"], found["service"].lower())


def identify(world: World, signature: Signature) -> Caller:
    """The principal whose key signed a request. Hold the lock."""
    account = world.settings.account
    partition = get_partition(signature.region)
    session = world.backend("sts", signature.region).get_assumed_role_from_access_key(
        signature.access_key_id
    )
    if session is not None:
        role_id, _, _ = session.user_id.partition(":")
        return Caller(
            kind="AssumedRole",
            arn=session.arn,
            principal_id=session.user_id,
            account=session.account_id,
            access_key_id=signature.access_key_id,
            user_name=session.role_arn.rpartition("/")[2],
            role_arn=session.role_arn,
            role_id=role_id,
            session_started=getattr(session, "sandbox_started", None),
        )
    user = world.backend("iam", signature.region).get_user_from_access_key_id(
        signature.access_key_id
    )
    if user is not None:
        return Caller("IAMUser", user.arn, user.id, account, signature.access_key_id, user.name)
    return Caller(
        kind="IAMUser",
        arn=f"arn:{partition}:iam::{account}:user/{OPERATOR_NAME}",
        principal_id=OPERATOR_ID,
        account=account,
        access_key_id=signature.access_key_id,
        user_name=OPERATOR_NAME,
    )
