"""Function faults: other code, in the function, a version, or behind an alias."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from typing import Any

from mutants.account import STRANGER, Account
from mutants.function import named
from mutants.model import Family

FAMILY = Family("function code")


def _run(account: Account, package: bytes) -> None:
    account.functions.update_function_code(**named(account), ZipFile=package)
    account.wait_for_function()


def run_with(account: Account, mending: ExitStack, module: str, more: str) -> None:
    """Let the function run, until mended, with `more` at the end of one of its modules."""
    original = account.function_package.read_bytes()
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(original)) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content + more.encode() if name == module else content)
    mending.callback(_run, account, original)
    _run(account, changed.getvalue())


@FAMILY.fault("the function's code is changed behind Terraform's back", "function-code-reviewed")
def code_changed(account: Account, mending: ExitStack) -> None:
    run_with(account, mending, "compliance_checker/handler.py", "# not reviewed\n")


@FAMILY.fault("a layer slips code under the function", "function-code-reviewed")
def layer_added(account: Account, mending: ExitStack) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/boto3.py", "# not boto3\n")
    made = account.functions.publish_layer_version(
        LayerName="by-hand", Content={"ZipFile": content.getvalue()}
    )
    mending.callback(
        account.functions.delete_layer_version,
        LayerName="by-hand",
        VersionNumber=made["Version"],
    )
    account.change_function(mending, Layers=[made["LayerVersionArn"]])


@FAMILY.fault("a version is published that nobody asked for", "function-code-reviewed")
def version_published(account: Account, mending: ExitStack) -> None:
    publish(account, mending)


@FAMILY.fault("a version with other code is published beside it", "function-code-reviewed")
def other_version_published(account: Account, mending: ExitStack) -> None:
    with ExitStack() as meanwhile:
        run_with(account, meanwhile, "compliance_checker/handler.py", "# of a version\n")
        publish(account, mending)


@FAMILY.fault("an alias leads to the function", "function-code-reviewed")
def alias_made(account: Account, mending: ExitStack) -> None:
    alias(account, mending, FunctionVersion="$LATEST")


@FAMILY.fault("an alias sends a share of its invocations elsewhere", "function-code-reviewed")
def alias_routed(account: Account, mending: ExitStack) -> None:
    first = publish(account, mending)
    with ExitStack() as meanwhile:
        run_with(account, meanwhile, "compliance_checker/handler.py", "# of another version\n")
        second = publish(account, mending)
    weights = {"AdditionalVersionWeights": {second: 0.1}}
    alias(account, mending, FunctionVersion=first, RoutingConfig=weights)


@FAMILY.fault("a stranger's profile decides which code may be deployed", "function-code-reviewed")
def code_signing(account: Account, mending: ExitStack) -> None:
    profile = f"arn:aws:signer:{account.outputs['region']}:{STRANGER}:/signing-profiles/theirs/1"
    made = account.functions.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": [profile]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )["CodeSigningConfig"]["CodeSigningConfigArn"]
    mending.callback(account.functions.delete_function_code_signing_config, **named(account))
    account.functions.put_function_code_signing_config(**named(account), CodeSigningConfigArn=made)


def publish(account: Account, mending: ExitStack) -> str:
    version: str = account.functions.publish_version(**named(account))["Version"]
    mending.callback(account.functions.delete_function, **named(account), Qualifier=version)
    return version


def alias(account: Account, mending: ExitStack, **settings: Any) -> str:
    account.functions.create_alias(**named(account), Name="by-hand", **settings)
    mending.callback(account.functions.delete_alias, **named(account), Name="by-hand")
    return "by-hand"
