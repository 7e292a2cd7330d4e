"""CloudTrail's API where moto's answers are not true, or where it has none.

Trail status, selectors, event history, and the public keys of digest files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.cloudtrail import models as cloudtrail_models
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

from sandbox.clock import now
from sandbox.replacement import Kind, Replacement
from sandbox.trail import answers, requirements
from sandbox.trail.delivery import DEFAULT_SELECTOR, Delivery
from sandbox.trail.digests import Digests
from sandbox.trail.signing_keys import SigningKeys
from sandbox.world import World


@dataclass(frozen=True)
class TrailParts:
    """What CloudTrail's API answers from."""

    world: World
    delivery: Delivery
    digests: Digests
    keys: SigningKeys


# --- trails ------------------------------------------------------------------------------------


def topic_arn(parts: TrailParts, trail: Any) -> str | None:
    """The ARN of a trail's topic, which the API takes by its name or its ARN."""
    name = trail.sns_topic_name
    if not name or name.startswith("arn:"):
        return name or None
    return f"arn:{trail.partition}:sns:{trail.region_name}:{trail.account_id}:{name}"


def check_topic_exists(parts: TrailParts, trail: Any) -> None:
    """Nothing: ``sandbox.trail.requirements`` has the topic's."""


def description(
    parts: TrailParts,
    original: Callable[..., dict[str, Any]],
    trail: Any,
    include_region: bool = False,
) -> dict[str, Any]:
    """A trail as the API shows it: what is not set is not in the answer."""
    shown = original(trail, include_region)
    shown["HasCustomEventSelectors"] = bool(
        trail.event_selectors and trail.event_selectors != [DEFAULT_SELECTOR]
    ) or bool(trail.advanced_event_selectors)
    shown["HasInsightSelectors"] = bool(trail.insight_selectors)
    if trail.topic_arn:
        shown["SnsTopicName"] = trail.topic_arn.rpartition(":")[2]
        shown["SnsTopicARN"] = trail.topic_arn
    return {name: value for name, value in shown.items() if value not in (None, "")}


def get_event_selectors(parts: TrailParts, trail: Any) -> tuple[list[Any], list[Any]]:
    """A trail's basic selectors and its advanced ones, of which one kind is empty."""
    if trail.advanced_event_selectors:
        return [], trail.advanced_event_selectors
    return trail.event_selectors or [dict(DEFAULT_SELECTOR)], []


def event_selectors_shown(parts: TrailParts, original: Callable[[Any], str], response: Any) -> str:
    """GetEventSelectors's answer, which has the selectors of the kind that there are."""
    shown = json.loads(original(response))
    return json.dumps({name: value for name, value in shown.items() if value})


def put_event_selectors(
    parts: TrailParts, trail: Any, event_selectors: list[Any] | None, advanced: list[Any] | None
) -> None:
    """Select by one kind of selectors; what a basic one leaves out is filled in."""
    if advanced:
        trail.event_selectors, trail.advanced_event_selectors = [], advanced
    else:
        trail.event_selectors = [{**DEFAULT_SELECTOR, **given} for given in event_selectors or []]
        trail.advanced_event_selectors = []


def put_insight_selectors(parts: TrailParts, trail: Any, selectors: list[dict[str, str]]) -> None:
    """Select insights by these selectors alone."""
    trail.insight_selectors = list(selectors)


def start_logging(parts: TrailParts, trail: Any) -> None:
    """Let a trail log, and begin its chains of digests."""
    trail.status.is_logging = True
    trail.status.started = now()
    parts.digests.changed(trail)


def stop_logging(parts: TrailParts, trail: Any) -> None:
    """Let a trail log no more, and end its chains of digests."""
    trail.status.is_logging = False
    trail.status.stopped = now()
    parts.digests.stopping(trail)


def create_trail(
    parts: TrailParts,
    original: Callable[..., Any],
    backend: Any,
    *arguments: Any,
    **keywords: Any,
) -> Any:
    """Make a trail. Raises JsonRESTError when its name is taken or it could not deliver."""
    name = keywords.get("name") or arguments[0]
    if name in backend.trails:
        raise JsonRESTError(
            "TrailAlreadyExistsException",
            f"Trail {name} already exists for customer: {parts.world.settings.account}",
        )
    trail = original(backend, *arguments, **keywords)
    missing = requirements.first_missing(parts.world, trail)
    if missing is not None:
        del backend.trails[name]
        raise JsonRESTError(missing.code, missing.message)
    return trail


def update_trail(
    parts: TrailParts, original: Callable[..., Any], backend: Any, name: str, **changes: Any
) -> Any:
    """Change a trail.

    Raises JsonRESTError, with nothing changed, when it could not deliver afterwards.
    """
    trail = backend.get_trail(name)
    before = dict(trail.__dict__)
    original(backend, name, **changes)
    missing = requirements.first_missing(parts.world, trail)
    if missing is not None:
        trail.__dict__.update(before)
        raise JsonRESTError(missing.code, missing.message)
    parts.digests.changed(trail)
    return trail


def delete_trail(parts: TrailParts, backend: Any, name: str) -> None:
    """Delete a trail, named by its name or its ARN, with what waits to be delivered to it."""
    trail = backend.get_trail(name)
    parts.delivery.forget(trail)
    del backend.trails[trail.trail_name]


# --- answers -----------------------------------------------------------------------------------


def describe_trails(parts: TrailParts, response: Any) -> str:
    """DescribeTrails's answer."""
    trails = answers.described(parts.world, response.region, json.loads(response.body or "{}"))
    shown = [trail.description(include_region=True) for trail in trails]
    return json.dumps({"trailList": shown})


def get_trail_status(parts: TrailParts, response: Any) -> str:
    """GetTrailStatus's answer."""
    backend = response.cloudtrail_backend
    name = response._get_param("Name")
    backend.get_trail_status(name)  # raises when there is none
    trail = next(
        trail
        for trail in backend.describe_trails(include_shadow_trails=True)
        if name in (trail.trail_name, trail.arn)
    )
    return json.dumps(
        answers.status_document(trail, response.region, parts.delivery, parts.digests)
    )


def lookup_events(parts: TrailParts, response: Any) -> str:
    """LookupEvents's answer."""
    return json.dumps(
        answers.lookup(parts.delivery, response.region, json.loads(response.body or "{}"))
    )


def list_public_keys(parts: TrailParts, response: Any) -> str:
    """ListPublicKeys's answer."""
    return json.dumps(
        answers.public_keys(parts.keys, response.region, json.loads(response.body or "{}"))
    )


_TRAIL, _BACKEND = cloudtrail_models.Trail, cloudtrail_models.CloudTrailBackend

REPLACEMENTS = (
    Replacement(
        _TRAIL,
        "topic_arn",
        topic_arn,
        "The API takes a topic's name or its ARN; moto knows the name alone.",
    ),
    Replacement(
        _TRAIL,
        "check_topic_exists",
        check_topic_exists,
        "A trail's requirements have the topic's; moto's own check knows it by its name alone.",
    ),
    Replacement(
        _TRAIL,
        "description",
        description,
        "What is not set is not in the answer; moto shows null or an empty text.",
        Kind.AROUND,
    ),
    Replacement(
        _TRAIL,
        "get_event_selectors",
        get_event_selectors,
        "A trail without selectors of its own shows the one that it goes by.",
    ),
    Replacement(
        _TRAIL,
        "put_event_selectors",
        put_event_selectors,
        "Selectors of one kind take the place of the other's, and are filled in.",
    ),
    Replacement(
        _TRAIL,
        "put_insight_selectors",
        put_insight_selectors,
        "A put replaces; moto appends.",
    ),
    Replacement(
        _TRAIL,
        "start_logging",
        start_logging,
        "The chain of digests begins with the logging.",
    ),
    Replacement(
        _TRAIL,
        "stop_logging",
        stop_logging,
        "The chain of digests ends with the logging.",
    ),
    Replacement(
        _BACKEND,
        "create_trail",
        create_trail,
        "A trail that could not deliver is refused, and so is a second one of a name.",
        Kind.AROUND,
    ),
    Replacement(
        _BACKEND,
        "update_trail",
        update_trail,
        "A change after which a trail could not deliver is refused.",
        Kind.AROUND,
    ),
    Replacement(
        _BACKEND,
        "delete_trail",
        delete_trail,
        "A trail can be named by its ARN, and nothing is delivered to it afterwards.",
    ),
    Replacement(
        CloudTrailResponse,
        "describe_trails",
        describe_trails,
        "moto ignores which trails were asked for.",
    ),
    Replacement(
        CloudTrailResponse,
        "get_event_selectors",
        event_selectors_shown,
        "Selectors of the kind that a trail has not got are not in the answer; moto shows none.",
        Kind.AROUND,
    ),
    Replacement(
        CloudTrailResponse,
        "get_trail_status",
        get_trail_status,
        "The times and errors of deliveries are true; moto leaves them out.",
    ),
    Replacement(
        CloudTrailResponse,
        "lookup_events",
        lookup_events,
        "moto has no events to look up.",
        Kind.ADDED,
    ),
    Replacement(
        CloudTrailResponse,
        "list_public_keys",
        list_public_keys,
        "moto signs no digests, and has no keys to list.",
        Kind.ADDED,
    ),
)
