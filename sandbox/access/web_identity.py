"""A role's assumption with a token of an OpenID Connect provider, as pipelines have it.

The token's claims are held against the account's providers and the role's trust policy. Its
signature is not checked: the issuer's keys are on the internet, and the sandbox asks nobody. So
whoever calls says who they are, as with the sandbox's other credentials.

Source: STS API reference, AssumeRoleWithWebIdentity; IAM user guide, "Available keys for AWS OIDC
federation" (aud, sub and the other claims are condition keys under the provider's host).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.sts.exceptions import STSClientError
from moto.sts.responses import TokenResponse

from sandbox.access import permissions, policy
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.clock import now
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_ASSUME = "sts:AssumeRoleWithWebIdentity"


def assume_role_with_web_identity(
    world: World, original: Callable[[Any], Any], response: Any
) -> Any:
    """A session of the role. Raises STSClientError, in STS's words, for whom it does not trust."""
    claims = _claims(str(response._get_param("WebIdentityToken") or ""))
    issuer = str(claims.get("iss", ""))
    host = issuer.removeprefix("https://")
    role = str(response._get_param("RoleArn"))
    provider = _provider(world, response.region, host)
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    if claims.get("aud") not in provider.client_id_list:
        raise _invalid("Incorrect token audience")
    expires = claims.get("exp")
    if not isinstance(expires, int) or expires < now().timestamp():
        raise STSClientError("ExpiredTokenException", "Token expired")
    context: dict[str, str | tuple[str, ...]] = {
        f"{host}:{name}".lower(): value for name, value in claims.items() if isinstance(value, str)
    }
    asked = AccessRequest(Principal(federated=provider.arn), _ASSUME, role, context)
    if policy.evaluate([permissions.trust_policy(world, role)], asked) is not Decision.ALLOW:
        raise STSClientError("AccessDenied", f"Not authorized to perform {_ASSUME}")
    return original(response)


def _claims(token: str) -> Mapping[str, Any]:
    """What a token says of its bearer."""
    parts = token.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("a token has three parts")
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        claims = None
    if not isinstance(claims, dict):
        raise _invalid("The ID Token provided is not a valid JWT")
    return claims


def _provider(world: World, region: str, host: str) -> Any | None:
    providers = world.backend("iam", region).open_id_providers.values()
    return next((one for one in providers if one.url == host), None)


def _invalid(message: str) -> STSClientError:
    return STSClientError("InvalidIdentityToken", message)


REPLACEMENTS = (
    Replacement(
        TokenResponse,
        "assume_role_with_web_identity",
        assume_role_with_web_identity,
        "moto gives a session of any role to whatever is sent as a token.",
        Kind.AROUND,
    ),
)
