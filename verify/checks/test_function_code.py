"""Compliance function: whatever of it can be invoked runs the reviewed code."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.functions import require_function
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.run.verification import Run


@pytest.mark.control(
    "function-code-reviewed",
    reads.function,
    reads.function_versions,
    reads.function_aliases,
    reads.function_code_signing,
)
def test_function_runs_the_reviewed_code(
    check: Check,
    aws: Aws,
    function: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
    verification_run: Run,
) -> None:
    name, required = deployment.function_arn, baseline["function"]
    check.equal(
        name,
        "SHA-256 of the code",
        expected=_digest_of(Path(verification_run.settings.function_package)),
        seen=pick(function, "CodeSha256"),
    )
    check.equal(name, "package", expected="Zip", seen=pick(function, "PackageType"))
    check.none(name, "layers", [pick(layer, "Arn") for layer in function.get("Layers", [])])
    versions = aws.pick(reads.function_versions(deployment), "Versions")
    # A version keeps the code and the settings of the day on which it was published.
    check.equal(
        name,
        "versions",
        expected=["$LATEST"],
        seen=[pick(version, "Version") for version in versions],
    )
    check.equal(
        name,
        "aliases",
        expected=dict.fromkeys(required["aliases"], "$LATEST"),
        seen={
            pick(alias, "Name"): _leads_to(alias)
            for alias in aws.pick(reads.function_aliases(deployment), "Aliases")
        },
    )
    # Who decides which code is deployed next.
    signing = aws.pick(reads.function_code_signing(deployment))
    require_function(deployment, pick(signing, "FunctionName"))
    check.equal(
        name,
        "code signing",
        expected=required.get("code_signing_config", "none"),
        seen=signing.get("CodeSigningConfigArn", "none"),
    )


def _digest_of(package: Path) -> str:
    """The SHA-256 of the reviewed build, as Lambda writes it. Raises NotVerifiedError."""
    try:
        digest = hashlib.sha256(package.read_bytes()).digest()
    except OSError as error:
        raise NotVerifiedError(
            f"the reviewed build {package} cannot be read ({error}): make it with "
            "`python lambda/build.py`"
        ) from None
    return base64.b64encode(digest).decode("ascii")


def _leads_to(alias: Mapping[str, Any]) -> str:
    """The version behind an alias, and those that get a share of its invocations."""
    shares = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights", {})
    others = [f"{version} for {weight:.0%}" for version, weight in sorted(shares.items())]
    return ", ".join([str(pick(alias, "FunctionVersion")), *others])
