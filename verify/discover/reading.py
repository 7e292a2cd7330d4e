"""What a discovery asks of AWS: these calls, which read, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from verify.account import sessions, sign_in
from verify.account.errors import code_and_message, describe
from verify.account.models import Operations

# A client of this session has no other operation, so that nothing can be changed by mistake.
CALLS: Operations = {
    "cloudtrail": {"describe_trails", "get_event_selectors", "get_trail_status"},
    "cloudwatch": {"describe_alarms"},
    "iam": {"get_role"},
    "kms": {"describe_key", "get_key_rotation_status", "list_aliases"},
    "lambda": {"get_function_configuration"},
    "logs": {"describe_log_groups", "describe_metric_filters", "describe_subscription_filters"},
    "organizations": {"describe_organization"},
    "s3": {
        "get_bucket_encryption",
        "get_bucket_logging",
        "get_bucket_versioning",
        "get_object_lock_configuration",
        "get_public_access_block",
    },
    "sns": {"get_topic_attributes", "list_subscriptions_by_topic"},
    "sqs": {"get_queue_url"},
}


@dataclass(frozen=True)
class Answer:
    """What a call said: `value` is None where there is no such thing.

    `problem` says why it is not known; then nothing may be concluded from it.
    """

    source: str  # e.g. "cloudtrail.describe_trails"
    value: Mapping[str, Any] | None
    problem: str = ""

    @property
    def known(self) -> Mapping[str, Any]:
        """What was said; nothing where nothing was, or it is not known."""
        return self.value or {}


@dataclass
class Account:
    """Asks in one region; `problems` are the calls that gave no answer."""

    region: str
    problems: list[str] = field(default_factory=list)
    _session: Any = field(default_factory=lambda: sessions.core_session(CALLS))
    _clients: dict[str, Any] = field(default_factory=dict)

    def ask(
        self, service: str, operation: str, absent: Iterable[str] = (), **parameters: Any
    ) -> Answer:
        """The answer to a call, all of its pages; `absent` are the codes for "there is none"."""
        source = f"{service}.{operation}"
        try:
            client = self._client(service)
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**parameters)
                return Answer(source, pages.build_full_result())
            return Answer(source, getattr(client, operation)(**parameters))
        except (BotoCoreError, ClientError) as error:
            if code_and_message(error)[0] in absent:
                return Answer(source, None)
            problem = describe(error, service, operation, self.region)
            self.problems.append(problem)
            return Answer(source, None, problem)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.create_client(
                service, region_name=self.region, config=sign_in.CONFIG
            )
        return self._clients[service]
