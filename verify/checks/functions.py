"""What the checks of the compliance function have in common."""

from __future__ import annotations

from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError


def require_function(deployment: Deployment, shown: str) -> None:
    """Raise NotVerifiedError where an answer is about another function than the deployment's.

    Lambda names it by its name, its ARN, or its ARN with the qualifier of what it runs.
    """
    name, arn = deployment.function_name, deployment.function_arn
    if shown not in (name, arn) and not shown.startswith(f"{arn}:"):
        raise NotVerifiedError(f"AWS shows {shown} instead of {arn}")
