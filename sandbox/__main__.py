"""The command line: ``python -m sandbox``."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys

from sandbox.replacement import ReplacementError
from sandbox.settings import (
    DEFAULT_ACCOUNT,
    DEFAULT_PORT,
    DEFAULT_REGION,
    DEFAULT_SPEED,
    HOST,
    Settings,
    default_digest_period,
)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _account(text: str) -> str:
    if not re.fullmatch(r"\d{12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an account id (12 digits)")
    return text


def _region(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2,5}(-[a-z]+)+-\d", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a region such as {DEFAULT_REGION}")
    return text


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed (1 to 1000000)")
    return speed


def _digest_period(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 86_400:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a period of digests (1 to 86400 whole seconds)"
        )
    return int(text)


def _regions(text: str) -> tuple[str, ...]:
    return tuple(_region(name.strip()) for name in text.split(",") if name.strip())


_EPILOG = """\
Point a client at it with AWS_ENDPOINT_URL and any credentials. S3 Control's clients put the account
before the host, a name that nobody resolves: these reach it with HTTP_PROXY, set to the same URL.

Of the sandbox itself can be asked:
  GET  /_sandbox/health           what it is
  POST /_sandbox/backfill-digest  make a backfill digest of the log files that no digest names:
                                  {"trail": <name or ARN>, "region": <default: the trail's own>}
  POST /_sandbox/rotate-signing-key   sign the digests of a region with a new key from now on:
                                  {"region": <region>}
  POST /_sandbox/expire-unconfirmed-subscriptions   have SNS forget the subscriptions that nobody
                                  has confirmed: {}
The POST requests take Content-Type: application/json.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=f"A local AWS account on {HOST}. Runs in the foreground until interrupted.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port; 0 takes a free one (%(default)s)"
    )
    parser.add_argument(
        "--region", type=_region, default=DEFAULT_REGION, help="default region (%(default)s)"
    )
    parser.add_argument(
        "--account", type=_account, default=DEFAULT_ACCOUNT, help="account id (%(default)s)"
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=os.environ.get("SANDBOX_SPEED", str(DEFAULT_SPEED)),
        help="how many times faster than AWS the services deliver; 1 is AWS's own pace "
        "(SANDBOX_SPEED, %(default)s)",
    )
    parser.add_argument(
        "--digest-period",
        type=_digest_period,
        default=os.environ.get("SANDBOX_DIGEST_PERIOD"),
        metavar="SECONDS",
        help="how often trails deliver digest files (SANDBOX_DIGEST_PERIOD; by default AWS's hour "
        f"divided by the speed, {default_digest_period(DEFAULT_SPEED)} seconds at the default)",
    )
    parser.add_argument(
        "--digest-regions",
        type=_regions,
        default=os.environ.get("SANDBOX_DIGEST_REGIONS", ""),
        metavar="REGION,...",
        help="regions that trails digest at that period also when there is no log file to name; "
        "elsewhere an empty digest comes by the hour, as on AWS (SANDBOX_DIGEST_REGIONS)",
    )
    parser.add_argument(
        "--replacements",
        action="store_true",
        help="print what is replaced of moto, by what and why, and leave",
    )
    parser.add_argument("--verbose", action="store_true", help="log every request to stderr")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox. Returns 0 after a clean stop and 2 when it could not start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for noisy in ("botocore", "urllib3", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # moto reads its settings when it is imported. Its example images cost start-up time, and make
    # an account look as if it held hundreds of public snapshots.
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    # No page in a browser has business with the account.
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
    # Roles may attach AWS's own policies.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    os.environ["MOTO_ACCOUNT_ID"] = options.account
    os.environ["AWS_DEFAULT_REGION"] = options.region
    from sandbox.front import replacements, server

    if options.replacements:
        for line in replacements.lines():
            print(line)
        return 0

    settings = Settings(
        options.account,
        options.region,
        options.port,
        options.speed,
        options.verbose,
        options.digest_period or default_digest_period(options.speed),
        options.digest_regions,
    )
    try:
        server.run(settings)
    except server.PortInUseError:
        print(
            f"sandbox: port {options.port} on {HOST} is in use; choose another with --port "
            "(make: PORT=)",
            file=sys.stderr,
        )
        return 2
    except ReplacementError as error:
        print(f"sandbox: another version of moto is installed: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
