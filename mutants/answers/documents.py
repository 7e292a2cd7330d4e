"""Policy documents that say something else: every statement gone, opened, or turned around."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

_ANYONE = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def altered_documents(value: Any) -> Iterator[tuple[str, Any]]:
    """What was done, and the document, for each way to alter a policy.

    `value` is a policy as text or as what it holds, and comes back in the same form. Nothing for
    what is no policy.
    """
    as_text = isinstance(value, str)
    document = _parsed(value) if as_text else value
    if not isinstance(document, Mapping) or not isinstance(document.get("Statement"), (list, dict)):
        return
    statements = document["Statement"]
    statements = statements if isinstance(statements, list) else [statements]

    def made(changed: list[Any]) -> Any:
        whole = {**document, "Statement": changed}
        return json.dumps(whole) if as_text else whole

    has_principals = any("Principal" in item or "NotPrincipal" in item for item in statements)
    anyone = _ANYONE if has_principals else {k: v for k, v in _ANYONE.items() if k != "Principal"}
    yield "anyone admitted", made([*statements, anyone])
    yield "without statements", made([])
    if as_text:
        yield "not a document", "{"
    for index, statement in enumerate(statements):
        name = f"statement {statement.get('Sid') or index}"

        def instead(changed: Mapping[str, Any], index: int = index) -> Any:
            return made([*statements[:index], changed, *statements[index + 1 :]])

        yield f"{name} gone", made([*statements[:index], *statements[index + 1 :]])
        if statement.get("Effect") == "Allow":
            yield from _opened(name, statement, instead)
        else:
            yield f"{name} allows", instead({**statement, "Effect": "Allow"})


def _opened(name: str, statement: Mapping[str, Any], instead: Any) -> Iterator[tuple[str, Any]]:
    if statement.get("Condition"):
        yield (
            f"{name} without condition",
            instead({key: item for key, item in statement.items() if key != "Condition"}),
        )
    if "Principal" in statement:
        yield f"{name} for anyone", instead({**statement, "Principal": "*"})
    if statement.get("Action") != "*":
        yield f"{name} for every action", instead({**statement, "Action": "*"})
    yield f"{name} denies", instead({**statement, "Effect": "Deny"})


def _parsed(text: str) -> Any:
    for candidate in (text, unquote(text)):
        if candidate.lstrip().startswith("{"):
            try:
                return json.loads(candidate)
            except ValueError:
                continue
    return None
