"""Faults of a policy document: edits of it, as it was deployed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from mutants.account import STRANGER, Account, Document
from mutants.model import Family

# Changes, in place, the document that was deployed.
Edit = Callable[[Account, Document], None]


def change(kind: str, edit: Edit, account: Account, mending: ExitStack) -> None:
    """Put the edited policy `kind` (see `Account.document`) in place until mended."""
    document = account.document(kind)
    edit(account, document)
    account.replace(mending, kind, document)


class PolicyFaults:
    """Declares in `family` the faults of one policy, which `change_it` puts in place.

    `fails` are the controls that fail unless a fault names others.
    """

    def __init__(
        self,
        family: Family,
        change_it: Callable[[Edit, Account, ExitStack], None],
        *fails: str,
    ) -> None:
        self._family = family
        self._change_it = change_it
        self._fails = fails

    def add(
        self,
        name: str,
        description: str,
        edit: Edit,
        *fails: str,
        errors: frozenset[str] = frozenset(),
    ) -> None:
        """Declare the fault that `edit` makes; `errors` are the controls that cannot tell."""
        break_it = partial(self._change_it, edit)
        failing = fails if fails or errors else self._fails
        self._family.add(name, description, break_it, *failing, errors=errors)

    def fault(
        self, description: str, *fails: str, errors: frozenset[str] = frozenset()
    ) -> Callable[[Edit], Edit]:
        """Declare the fault that the decorated edit makes, under its name."""

        def declare(edit: Edit) -> Edit:
            name = getattr(edit, "__name__", "").replace("_", "-")
            self.add(name, description, edit, *fails, errors=errors)
            return edit

        return declare

    def add_readers(self, prefix: str, output: str, what: str, *fails: str) -> None:
        """Declare that strangers, and a service, are let read `what` in the bucket of an output."""
        for case, who, principal in (
            ("stranger", "another account", {"AWS": f"arn:aws:iam::{STRANGER}:root"}),
            ("service", "a service", {"Service": "athena.amazonaws.com"}),
        ):
            edit = partial(_admit, principal, output)
            self.add(f"{prefix}-for-a-{case}", f"{who} reads {what}", edit, *fails)


def _admit(principal: Document, output: str, account: Account, document: Document) -> None:
    document["Statement"].append(
        {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{account.outputs[output][0]}/*",
        }
    )
