"""Inventory: every resource is known, and says whose it is and what it is for, in one way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.door import Aws
from verify.account.inventory import (
    FOUND_BY,
    NAMED_BY,
    TAGGED_BY,
    Inventory,
    undeclared_types,
)
from verify.check import Check
from verify.checks.probes import is_unattached_probe
from verify.inputs.declared import Configuration, DeclaredError
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.run.verification import Run


@pytest.mark.control("resources-known", reads.resources_tagged, *FOUND_BY)
def test_every_resource_of_the_deployment_is_looked_at(
    check: Check, deployment: Deployment, inventory: Inventory, verification_run: Run
) -> None:
    check.none(
        deployment.account_id,
        "resources with the deployment's tags that no control looks at",
        inventory.unknown(),
    )
    check.none(
        deployment.account_id,
        "resource types of the configuration that no control looks at",
        undeclared_types(_declared_types(verification_run.configuration)),
    )


def _declared_types(configuration: Configuration) -> frozenset[str]:
    try:
        return configuration.resource_types()
    except DeclaredError as error:
        raise NotVerifiedError(str(error)) from None


@pytest.mark.control("resources-tagged", *TAGGED_BY, reads.interfaces_of_group)
def test_every_resource_carries_the_required_tags(
    check: Check, aws: Aws, inventory: Inventory, baseline: Mapping[str, Any]
) -> None:
    required = baseline["tags"]

    def wrong_in(tags: Mapping[str, str]) -> dict[str, str]:
        wrong = {
            key: tags.get(key, "no such tag")
            for key, value in required.items()
            if tags.get(key) != value
        }
        return wrong | {
            key: tags.get(key, "no such tag")
            for key in baseline["required_tag_keys"]
            if not tags.get(key, "").strip()
        }

    for resource, live in inventory.tagged(lambda tags: not wrong_in(tags)):
        if resource.identifier in baseline["owned_by_others"]:
            continue
        if is_unattached_probe(aws, resource.identifier, live):
            continue
        wrong = wrong_in(live)
        check.holds(
            resource.identifier,
            "tags",
            not wrong,
            expected={
                **required,
                **dict.fromkeys(baseline["required_tag_keys"], "any but an empty one"),
            },
            seen=wrong or "as required",
        )


@pytest.mark.control("names-follow-convention", *NAMED_BY)
def test_resources_carry_the_names_of_the_convention(
    check: Check, inventory: Inventory, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    for output, name in baseline["names"].items():
        said = deployment.if_there(output)
        if said is None:
            continue  # whether there has to be such a resource is another control's to say
        check.equal(output, "name", expected=name, seen=said)
        known = inventory.has_named(output, said)
        check.holds(
            output,
            "name in the account",
            known,
            expected=said,
            seen=said if known else "no resource of the deployment has this name",
        )
