"""The deployed account as everybody here reaches it."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

from verify.inputs.deployment import Deployment

# A call that is made again would be two calls, and a violation told twice.
_ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=60)


class Account:
    """What is deployed, and the clients of the sandbox at `url` that it is deployed into."""

    def __init__(self, url: str, deployment: Deployment) -> None:
        self.deployment = deployment
        self._session = boto3.Session("test", "test", region_name=deployment.region)
        self._url = url
        self._guard = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of a service, one for all threads; by default in the home region."""
        key = (service, region or self.deployment.region)
        with self._guard:
            if key not in self._made:
                self._made[key] = self._session.client(
                    service, region_name=key[1], endpoint_url=self._url, config=_ONCE
                )
            return self._made[key]
