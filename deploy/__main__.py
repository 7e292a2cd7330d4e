"""`python -m deploy`: deploy the Terraform module, look at its plan and outputs, destroy it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy import commands
from deploy.consent import given
from deploy.errors import INTERRUPTED, DeployError
from deploy.workspace import REPOSITORY, profiles

_EPILOG = """\
environment:
  TERRAFORM             program to use instead of terraform or tofu on PATH
  INSTALL_TERRAFORM=1   where there is none, fetch a pinned one, checked by SHA-256, without asking
  TERRAFORM_FOLDER      where a fetched one is kept (default: .tools)
  TERRAFORM_RELEASES    where it is fetched from, laid out as HashiCorp's releases (a mirror's URL)
  TF_PLUGIN_MIRROR      folder that holds the AWS provider, for machines without internet
  AUTO_APPROVE=1        the same as --auto-approve
  TF_VAR_<name>         value of a variable that neither the profile nor --variables sets
  AWS_PROFILE, AWS_REGION and all else of AWS's own credential chain

exit codes:
  0 done; 2 something is missing or wrong, and the message says what to do; 7 Terraform failed;
  8 destroyed, but for what Object Lock keeps; 130 interrupted
"""


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command line `arguments`; the exit code."""
    read = _parser().parse_args(arguments)
    # A CI that gives up sends SIGTERM; it must end like Ctrl-C, which cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if read.command == "check":
            commands.check(read.working_directory, environment)
        elif read.command == "terraform":
            commands.program(environment)
        else:
            command = {
                "apply": commands.apply,
                "plan": commands.plan,
                "destroy": commands.destroy,
                "outputs": commands.outputs,
            }[read.command]
            command(_options(read, environment), environment)
    except DeployError as error:
        sys.stderr.write(f"\nerror: {error}\n")
        return error.code
    except KeyboardInterrupt:
        sys.stderr.write("\nerror: Interrupted.\nRun the same command again to go on.\n")
        return INTERRUPTED
    return 0


def _options(read: argparse.Namespace, environment: Mapping[str, str]) -> commands.Options:
    return commands.Options(
        sandbox_url=read.sandbox,
        profile=read.profile,
        region=read.region,
        state_bucket=read.state_bucket,
        function_package=getattr(read, "function_package", _PACKAGE),
        working_directory=read.working_directory,
        output=getattr(read, "output", None),
        state_summary=getattr(read, "state_summary", None),
        variables=getattr(read, "variables", None),
        auto_approve=getattr(read, "auto_approve", False) or given(environment, "AUTO_APPROVE"),
        as_json=getattr(read, "json", False),
    )


_PACKAGE = REPOSITORY / "lambda" / "dist" / "compliance_checker.zip"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy",
        description="Deploy the audit trail to AWS or to a local sandbox, and take it down again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands_ = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--working-directory",
        type=lambda text: Path(text).absolute(),
        default=REPOSITORY / ".trailwarden",
        metavar="FOLDER",
        help="where each target has its state and outputs (default: .trailwarden)",
    )

    on_target = argparse.ArgumentParser(add_help=False, parents=[everywhere])
    on_target.add_argument(
        "--sandbox",
        metavar="URL",
        help="a local AWS account instead of AWS, such as http://127.0.0.1:4599",
    )
    on_target.add_argument(
        "--profile", default="dev", help=f"what to deploy: {' or '.join(profiles())} (default: dev)"
    )
    on_target.add_argument(
        "--region",
        help="home region (default: AWS_REGION, AWS's configuration, or ap-southeast-1)",
    )
    on_target.add_argument(
        "--state-bucket",
        metavar="BUCKET",
        help="keep the state in this S3 bucket, locked and encrypted, instead of in a file",
    )

    package = argparse.ArgumentParser(add_help=False)
    package.add_argument(
        "--function-package",
        type=lambda text: Path(text).absolute(),
        default=_PACKAGE,
        metavar="ZIP",
        help="the function's zip (default: lambda/dist/compliance_checker.zip)",
    )
    variables = argparse.ArgumentParser(add_help=False)
    variables.add_argument(
        "--variables",
        type=lambda text: Path(text).absolute(),
        metavar="FILE",
        help="values of the module's variables (.tfvars) that take the place of the profile's",
    )
    approve = argparse.ArgumentParser(add_help=False)
    approve.add_argument(
        "--auto-approve", action="store_true", help="do not ask before changing an AWS account"
    )
    output = argparse.ArgumentParser(add_help=False)
    output.add_argument(
        "--output",
        type=lambda text: Path(text).absolute(),
        metavar="FILE",
        help="write the outputs (JSON) to this file",
    )

    summary = argparse.ArgumentParser(add_help=False)
    summary.add_argument(
        "--state-summary",
        type=lambda text: Path(text).absolute(),
        metavar="FILE",
        help="also write to this file which state they are of (JSON): its serial and lineage",
    )

    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument(
        "--json",
        action="store_true",
        help="print it as `terraform show -json` does, values included, for the drift control of "
        "the verification (pytest --plan)",
    )

    for name, parents, help_ in (
        (
            "apply",
            [on_target, variables, package, approve, output],
            "create or change the deployment",
        ),
        ("plan", [on_target, variables, package, as_json], "show what apply would do"),
        ("destroy", [on_target, variables, approve], "remove the deployment"),
        ("outputs", [on_target, output, summary], "print the deployment's outputs as JSON"),
        (
            "terraform",
            [],
            "print which Terraform (or OpenTofu) is used; where there is none, offer to fetch it",
        ),
        ("check", [everywhere], "format, validity and native tests of the module; no account"),
    ):
        commands_.add_parser(
            name,
            parents=parents,
            help=help_,
            description=f"{help_[:1].upper()}{help_[1:]}.",
            epilog="Variables of the environment and exit codes: python -m deploy --help",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
