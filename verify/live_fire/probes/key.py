"""Disables a key of its own, which encrypts nothing, and schedules its deletion.

What the verifier may do to the key says the key's own policy, which it is made with: by its tags or
alias KMS would know it only minutes later (KMS guide, "ABAC for AWS KMS"), and a permission to tag
keys would be one to tag everybody's. So the alias finds it, and its description says whose it is.

A key waits a week for its deletion at least, costs nothing in that time, and counts as gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from typing import Any

from verify.account.answer import pick
from verify.account.errors import ActionFailedError
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.settling import once_known, with_code
from verify.live_fire.shot import Act, Removals, Shot
from verify.run.verification import Run

_ALIAS_PREFIX = f"alias/{owner.NAME_PREFIX}"
_DESCRIPTION = "Trailwarden live fire: encrypts nothing, deleted within minutes. "
_NO_KEY = "NotFoundException"
_GOING = "KMSInvalidStateException"
_WAITING_DAYS = 7  # KMS takes no less


class KeyProbe:
    """See `verify.live_fire.shot.Probe`."""

    key = "key"
    acts = (
        Act("key-rotation", "rotation of a key turned off", "DisableKeyRotation"),
        Act("key-disabled", "disabled key", "DisableKey", alarm="key-removals"),
        Act(
            "key-deletion",
            "key scheduled for deletion",
            "ScheduleKeyDeletion",
            alarm="key-removals",
        ),
    )

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Create the key, turn its rotation off, disable it, and schedule its deletion."""
        aws, alias = run.aws, _ALIAS_PREFIX + run.settings.run_id.lower()
        made = ""
        removals.add(lambda: self._remove_own(run, alias, made))
        tags = owner.tags(run.settings.run_id, run.settings.alert_timeout)
        created = aws.act(
            "kms",
            "create_key",
            Description=_DESCRIPTION + json.dumps(tags),
            Policy=json.dumps(_policy(run)),
        )
        made = created["KeyMetadata"]["KeyId"]
        for shot in shots.values():
            shot.subject = made
        once_known(
            lambda: aws.act("kms", "create_alias", AliasName=alias, TargetKeyId=made),
            with_code(_NO_KEY),
        )
        once_known(
            lambda: shots["key-rotation"].act(
                lambda: aws.act("kms", "disable_key_rotation", KeyId=made)
            ),
            with_code(_NO_KEY),
        )
        shots["key-disabled"].act(lambda: aws.act("kms", "disable_key", KeyId=made))
        shots["key-deletion"].act(
            lambda: aws.act(
                "kms", "schedule_key_deletion", KeyId=made, PendingWindowInDays=_WAITING_DAYS
            )
        )

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """Names of aliases."""
        return tuple(
            alias
            for alias, key in self._aliases(run).items()
            if key is None or wanted(self._tags(run, key))
        )

    def remove(self, run: Run, identifier: str) -> None:
        """Schedule the key's deletion and delete the alias, by which it would be found again."""
        key = self._aliases(run).get(identifier)
        self._remove(run, identifier, key)

    def _remove_own(self, run: Run, alias: str, key: str) -> None:
        """By the identifier that the creation answered with; without it there is no alias yet."""
        if key:
            self._remove(run, alias, key)

    @staticmethod
    def _remove(run: Run, alias: str, key: str | None) -> None:
        calls: list[tuple[str, dict[str, Any]]] = [("delete_alias", {"AliasName": alias})]
        if key is not None:
            waiting = {"KeyId": key, "PendingWindowInDays": _WAITING_DAYS}
            calls.insert(0, ("schedule_key_deletion", waiting))
        for operation, parameters in calls:
            try:
                run.aws.act("kms", operation, **parameters)
            except ActionFailedError as error:
                if error.code not in (_NO_KEY, _GOING):
                    raise

    @staticmethod
    def _aliases(run: Run) -> dict[str, str | None]:
        """The keys of live fire's aliases; None where an alias has outlived its key."""
        found = run.aws.pick_again(Read("kms", "list_aliases"), "Aliases")
        return {
            alias["AliasName"]: alias.get("TargetKeyId")
            for alias in found
            if alias["AliasName"].startswith(_ALIAS_PREFIX)
        }

    @staticmethod
    def _tags(run: Run, key: str) -> Mapping[str, str]:
        """What the description says of the owner; nothing where it is not live fire's.

        An alias may be turned to another key: that one is not deleted for it.
        """
        answer = run.aws.read_again(Read("kms", "describe_key", {"KeyId": key}, (_NO_KEY,)))
        if answer.response is None:
            return {}
        said = str(pick(answer.response, "KeyMetadata").get("Description", ""))
        if not said.startswith(_DESCRIPTION):
            return {}
        try:
            tags = json.loads(said.removeprefix(_DESCRIPTION))
        except ValueError:
            return {}
        return tags if isinstance(tags, dict) else {}


def _policy(run: Run) -> dict[str, Any]:
    """The account rules over the key, and the verifier may do what the probe does.

    KMS refuses a policy that its maker could not change again.
    """
    deployment = run.deployment
    root = f"arn:{deployment.partition}:iam::{deployment.account_id}:root"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountAdministersKey",
                "Effect": "Allow",
                "Principal": {"AWS": root},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "VerifierUsesUpKey",
                "Effect": "Allow",
                "Principal": {"AWS": deployment.verifier_role_arn},
                "Action": [
                    "kms:CreateAlias",
                    "kms:DeleteAlias",
                    "kms:DescribeKey",
                    "kms:DisableKey",
                    "kms:DisableKeyRotation",
                    "kms:PutKeyPolicy",
                    "kms:ScheduleKeyDeletion",
                ],
                "Resource": "*",
            },
        ],
    }
