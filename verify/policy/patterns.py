"""IAM's wildcards: `*` for any text, `?` for one character; in actions, resources and values.

Source: IAM user guide, "IAM JSON policy elements: Resource" (wildcards in ARN segments, incomplete
ARNs), "Condition operators" (StringLike, ArnLike).
"""

from __future__ import annotations

import re
from functools import lru_cache

from verify.policy.document import Statement

_WILDCARD = re.compile(r"[*?]")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


def is_account(text: str) -> bool:
    """Whether a text is an account id: twelve digits."""
    return _ACCOUNT.fullmatch(text) is not None


def has_wildcard(text: str) -> bool:
    """Whether a text has a `*` or `?`."""
    return "*" in text or "?" in text


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a text as a whole, case counting."""
    return _glob(pattern, text, text_is_pattern=False)


def covers(pattern: str, other: str) -> bool:
    """Whether a pattern surely matches every text that another pattern matches."""
    return _glob(pattern, other, text_is_pattern=True)


def literal_start(pattern: str) -> str:
    """What stands before the first wildcard of a pattern; all of it where there is none."""
    return _WILDCARD.split(pattern, maxsplit=1)[0]


def _glob(pattern: str, text: str, *, text_is_pattern: bool) -> bool:
    start, plain = _start(pattern)
    # What most patterns and texts do not share is seen at once.
    if plain or not text.startswith(start):
        return pattern == text
    # Backtracks to the last star alone: linear in practice, and no pattern can make it explode.
    p = t = len(start)
    star, resume = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, resume = p, t
            p += 1
        elif p < len(pattern) and (
            pattern[p] == text[t]
            or (pattern[p] == "?" and not (text_is_pattern and text[t] == "*"))
        ):
            p += 1
            t += 1
        elif star >= 0:
            resume += 1
            p, t = star + 1, resume
        else:
            return False
    return all(character == "*" for character in pattern[p:])


@lru_cache(16_384)  # the same patterns are held against very many texts
def _start(pattern: str) -> tuple[str, bool]:
    """What stands before the first wildcard, and whether that is all."""
    start = literal_start(pattern)
    return start, len(start) == len(pattern)


@lru_cache(65_536)  # each statement is held against the same acts, for each identity
def action_matches(pattern: str, action: str) -> bool:
    """Whether an action pattern matches an action; case does not count."""
    return matches(pattern.lower(), action.lower())


def action_covers(pattern: str, other: str) -> bool:
    """Whether an action pattern matches all that another one does."""
    return covers(pattern.lower(), other.lower())


def arn_fields(arn: str) -> tuple[str, str, str, str, str, str] | None:
    """The six fields of an ARN or ARN pattern; None when it has fewer."""
    fields = arn.split(":", 5)
    if len(fields) != 6:
        return None
    return fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether an ARN pattern matches an ARN, field by field: a star does not leave its field.

    A pattern with fewer than six fields is filled up with stars, as IAM does.
    """
    return _arn(pattern, arn, text_is_pattern=False)


def arn_covers(pattern: str, other: str) -> bool:
    """Whether an ARN pattern surely matches every ARN that another pattern does."""
    return _arn(pattern, other, text_is_pattern=True)


@lru_cache(16_384)  # the same few roles are held against the same few patterns
def _arn(pattern: str, text: str, *, text_is_pattern: bool) -> bool:
    if pattern == "*":
        return True
    if not pattern.startswith("arn:") or not text.startswith("arn:"):
        return _glob(pattern, text, text_is_pattern=text_is_pattern)
    wanted = pattern.split(":", 5)
    given = text.split(":", 5)
    wanted += ["*"] * (6 - len(wanted))
    given += ["*" if text_is_pattern else ""] * (6 - len(given))
    return all(
        _glob(field, text_field, text_is_pattern=text_is_pattern)
        for field, text_field in zip(wanted, given, strict=True)
    )


def statement_matches_action(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, by its Action or its NotAction."""
    if statement.not_actions:
        return not any(action_matches(pattern, action) for pattern in statement.not_actions)
    return any(action_matches(pattern, action) for pattern in statement.actions)


def statement_covers_action(statement: Statement, action: str) -> bool:
    """Whether a statement is about an action, or about all that an action pattern matches."""
    if statement.not_actions:
        # With NotAction a whole pattern is covered only if nothing excluded can meet it.
        return not any(
            action_matches(pattern, action) or action_covers(action, pattern)
            for pattern in statement.not_actions
        )
    return any(action_covers(pattern, action) for pattern in statement.actions)


def statement_covers_resource(statement: Statement, resource: str) -> bool:
    """Whether a statement is surely about every resource that an ARN pattern matches."""
    if statement.not_resources:
        return False
    return any(arn_covers(pattern, resource) for pattern in statement.resources)
