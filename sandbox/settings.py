"""What one sandbox is: its account, region, address and pace."""

from __future__ import annotations

import math
from dataclasses import dataclass

# AWS needs about five minutes from an API call to the log group; at this pace it takes 0.1 s.
DEFAULT_SPEED = 3000.0
DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "ap-southeast-1"
DEFAULT_PORT = 4599
# AWS delivers a digest every hour. Faster than this a sandbox left alone would fill its memory.
DIGEST_SECONDS = 3600.0
SHORTEST_DEFAULT_DIGEST_PERIOD = 3
HOST = "127.0.0.1"
# When what was changed is known everywhere: at once, or as late as on AWS.
STRONG, EVENTUAL = "strong", "aws"


def default_digest_period(speed: float) -> int:
    """An hour at a sandbox's pace, in whole seconds (digests' names have no finer time)."""
    return max(math.ceil(DIGEST_SECONDS / speed), SHORTEST_DEFAULT_DIGEST_PERIOD)


@dataclass(frozen=True)
class Settings:
    """The settings of a running sandbox.

    ``speed`` says how many times shorter than on AWS the services' own latencies are: delivery
    of records, retries of asynchronous invocations, evaluation of alarms. It never changes a
    period that a user has configured, such as an alarm's. ``digest_period`` is in seconds;
    ``digest_regions`` are those where it holds also when there is no log file to name.
    ``consistency`` is STRONG or EVENTUAL.
    """

    account: str
    region: str
    port: int
    speed: float
    verbose: bool = False
    digest_period: int = SHORTEST_DEFAULT_DIGEST_PERIOD
    digest_regions: tuple[str, ...] = ()
    consistency: str = STRONG

    @property
    def url(self) -> str:
        """The address that clients take as AWS_ENDPOINT_URL."""
        return f"http://{HOST}:{self.port}"

    def latency(self, seconds: float) -> float:
        """A latency of AWS, in seconds, at the sandbox's pace."""
        return seconds / self.speed
