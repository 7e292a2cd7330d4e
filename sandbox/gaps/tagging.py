"""Where moto's listing of what bears tags differs from the Resource Groups Tagging API's.

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from moto.config.models import ConfigBackend, config_backends
from moto.core.resource_tagging import (
    TaggedResource,
    make_tag_matcher,
    match_resource_type,
)
from moto.events.models import EventsBackend
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# What moto takes where the caller has not said it.
_TAGS_PER_PAGE = 100


def rules_of_bus(
    _: World, original: Callable[..., Iterator[TaggedResource]], backend: Any
) -> Iterator[TaggedResource]:
    """What bears tags in EventBridge, rules included."""
    yield from original(backend)
    for rule in chain.from_iterable(bus.rules.values() for bus in backend.event_buses.values()):
        tags = backend.tagger.get_tag_dict_for_resource(rule.arn)
        yield TaggedResource(arn=rule.arn, tags=tags, resource_type="events:rule")


def rules_of_config(
    _: World,
    original: Callable[..., Iterator[TaggedResource]],
    backend: Any,
    tag_filters: list[dict[str, Any]] | None = None,
    resource_type_filters: list[str] | None = None,
    resource_arn_list: list[str] | None = None,
) -> Iterator[TaggedResource]:
    """What bears tags in the region, AWS Config's rules included."""
    yield from original(
        backend,
        tag_filters=tag_filters,
        resource_type_filters=resource_type_filters,
        resource_arn_list=resource_arn_list,
    )
    matches = make_tag_matcher(tag_filters)
    config: ConfigBackend = config_backends[backend.account_id][backend.region_name]
    for rule in config.config_rules.values():
        if (
            rule.tags
            and match_resource_type("config:config-rule", resource_type_filters)
            and matches(rule.tags)
            and (not resource_arn_list or rule.config_rule_arn in resource_arn_list)
        ):
            yield TaggedResource(
                arn=rule.config_rule_arn, tags=rule.tags, resource_type="config:config-rule"
            )


def get_resources(
    _: World, original: Callable[..., Any], backend: Any, *, tags_per_page: int, **given: Any
) -> Any:
    """A page of what bears tags, which ends by the number of tags only where that is asked for."""
    if tags_per_page == _TAGS_PER_PAGE:
        tags_per_page = given["resources_per_page"] * 51  # a resource has 50 at most
    return original(backend, tags_per_page=tags_per_page, **given)


REPLACEMENTS = (
    Replacement(
        EventsBackend,
        "iter_tagged_resources",
        rules_of_bus,
        "moto lists the buses of EventBridge and leaves their rules out.",
        Kind.AROUND,
    ),
    Replacement(
        ResourceGroupsTaggingAPIBackend,
        "_get_resources_generator",
        rules_of_config,
        "moto's AWS Config takes no part in the listing.",
        Kind.AROUND,
    ),
    Replacement(
        ResourceGroupsTaggingAPIBackend,
        "get_resources",
        get_resources,
        "moto ends every page at 100 tags, as AWS does where TagsPerPage says so.",
        Kind.AROUND,
    ),
)
