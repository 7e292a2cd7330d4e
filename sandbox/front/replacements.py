"""All that the sandbox replaces of moto, collected from the rooms: one table, installed at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox import replacement
from sandbox.access import sessions, web_identity
from sandbox.front import authorization, consistency
from sandbox.front.consistency import Consistency
from sandbox.function import invocation
from sandbox.function.runtime import LambdaRuntime
from sandbox.gaps import (
    access_points,
    alarm_states,
    bucket_configurations,
    buckets,
    configuration,
    credentials,
    documents,
    function_resources,
    functions,
    gateways,
    kept_buckets,
    keys,
    log_groups,
    log_policies,
    log_settings,
    networks,
    policies,
    queues,
    regions,
    security_groups,
    shortcuts,
    signatures,
    simulation,
    tables,
    tagging,
    topics,
    workgroups,
)
from sandbox.messaging import confirmations, event_bus, log_events, mute_rules, notifications
from sandbox.messaging.event_bus import EventBus
from sandbox.messaging.log_events import LogEvents
from sandbox.messaging.notifications import Notifications
from sandbox.metrics import alarms
from sandbox.metrics.alarms import Alarms
from sandbox.queries import executions
from sandbox.queries.executions import Executions
from sandbox.replacement import Replacement
from sandbox.trail import api
from sandbox.trail.api import TrailParts
from sandbox.world import World

# Those that need nothing but the account.
_OF_THE_ACCOUNT = (
    *sessions.REPLACEMENTS,
    *web_identity.REPLACEMENTS,
    *authorization.REPLACEMENTS,
    *confirmations.REPLACEMENTS,
    *access_points.REPLACEMENTS,
    *alarm_states.REPLACEMENTS,
    *bucket_configurations.REPLACEMENTS,
    *kept_buckets.REPLACEMENTS,
    *mute_rules.REPLACEMENTS,
    *buckets.REPLACEMENTS,
    *configuration.REPLACEMENTS,
    *credentials.REPLACEMENTS,
    *documents.REPLACEMENTS,
    *functions.REPLACEMENTS,
    *gateways.REPLACEMENTS,
    *function_resources.REPLACEMENTS,
    *keys.REPLACEMENTS,
    *log_groups.REPLACEMENTS,
    *log_policies.REPLACEMENTS,
    *log_settings.REPLACEMENTS,
    *networks.REPLACEMENTS,
    *policies.REPLACEMENTS,
    *queues.REPLACEMENTS,
    *signatures.REPLACEMENTS,
    *simulation.REPLACEMENTS,
    *tables.REPLACEMENTS,
    *tagging.REPLACEMENTS,
    *topics.REPLACEMENTS,
    *workgroups.REPLACEMENTS,
    *regions.REPLACEMENTS,
    *security_groups.REPLACEMENTS,
)

TABLE: tuple[Replacement, ...] = (
    *_OF_THE_ACCOUNT,
    *invocation.REPLACEMENTS,
    *notifications.REPLACEMENTS,
    *event_bus.REPLACEMENTS,
    *log_events.REPLACEMENTS,
    *alarms.REPLACEMENTS,
    *executions.REPLACEMENTS,
    *api.REPLACEMENTS,
    *shortcuts.REPLACEMENTS,
    *consistency.REPLACEMENTS,
)


@dataclass(frozen=True)
class Parts:
    """The running parts that stand behind the replacements; without `consistency` it is strong."""

    world: World
    consistency: Consistency | None
    runtime: LambdaRuntime
    notifications: Notifications
    bus: EventBus
    log_events: LogEvents
    alarms: Alarms
    queries: Executions
    trails: TrailParts


def install(parts: Parts) -> None:
    """Put all of them in moto's place.

    Raises replacement.ReplacementError when the installed moto is not the one they are for.
    """
    replacement.install(
        (
            (_OF_THE_ACCOUNT, parts.world),
            (invocation.REPLACEMENTS, parts.runtime),
            (notifications.REPLACEMENTS, parts.notifications),
            (event_bus.REPLACEMENTS, parts.bus),
            (log_events.REPLACEMENTS, parts.log_events),
            (alarms.REPLACEMENTS, parts.alarms),
            (executions.REPLACEMENTS, parts.queries),
            (api.REPLACEMENTS, parts.trails),
            (shortcuts.REPLACEMENTS, None),
            (
                consistency.REPLACEMENTS,
                consistency.Context(parts.world, parts.consistency),
            ),
        )
    )


def lines() -> Iterator[str]:
    """The table as text, a paragraph a replacement: what, how and by what, why."""
    for entry in sorted(TABLE, key=lambda entry: entry.target):
        yield f"{entry.target}\n    {entry.kind}: {entry.replaced_by}\n    {entry.why}"
