"""What a rule of AWS Config holds the account to: pure judgement of what DescribeConfigRules says.

A rule is told by what it looks at, not by its name: whoever made it, and under whatever name, an
equal one is as good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify import foreign_json

Rule = Mapping[str, Any]
# How often a rule looks by itself, in hours.
HOURS: Mapping[str, int] = {
    "One_Hour": 1,
    "Three_Hours": 3,
    "Six_Hours": 6,
    "Twelve_Hours": 12,
    "TwentyFour_Hours": 24,
}
# Where a rule of AWS's own says nothing: the API reference, ConfigRule.
_UNSAID = "TwentyFour_Hours"


def shortcomings(rules: Iterable[Rule], identifier: str, required: Rule) -> list[str]:
    """What the account's rules lack of one that is required; empty where one of them is as good.

    `required` may say `frequency`, `parameters` and the `types` of resources that it must look at.
    """
    of_it = [
        rule
        for rule in rules
        if rule.get("Source", {}).get("SourceIdentifier") == identifier
        and rule.get("Source", {}).get("Owner") == "AWS"
    ]
    if not of_it:
        return ["no such rule"]
    found = [_faults(rule, required) for rule in of_it]
    return [] if [] in found else found[0]


def _faults(rule: Rule, required: Rule) -> list[str]:
    said = []
    state = rule.get("ConfigRuleState", "none")
    # EVALUATING is ACTIVE, while it looks.
    if state not in ("ACTIVE", "EVALUATING"):
        said.append(f"its state is {state}")
    modes = [mode.get("Mode") for mode in rule.get("EvaluationModes") or [{"Mode": "DETECTIVE"}]]
    if "DETECTIVE" not in modes:
        said.append(f"it looks at what is there by no mode ({', '.join(map(str, modes))})")
    said += _narrowed(rule.get("Scope") or {}, required.get("types", ()))
    if "frequency" in required:
        often = rule.get("MaximumExecutionFrequency") or _UNSAID
        if HOURS.get(often, 1_000) > HOURS[required["frequency"]]:
            said.append(f"it looks {often}")
    if (parameters := _parameters(rule)) != required.get("parameters", {}):
        said.append(f"its parameters are {parameters}")
    return said


def _narrowed(scope: Mapping[str, Any], types: Iterable[str]) -> list[str]:
    """Why a rule does not look at every resource of the types; a scope may name these types."""
    said = [
        f"it looks at some resources alone, by {member} {scope[member]}"
        for member in ("TagKey", "TagValue", "ComplianceResourceId", "ServicePrincipals")
        if scope.get(member)
    ]
    named = scope.get("ComplianceResourceTypes")
    unseen = sorted(set(types) - set(named)) if named else []
    return [*said, *([f"it does not look at {', '.join(unseen)}"] if unseen else [])]


def _parameters(rule: Rule) -> Any:
    text = rule.get("InputParameters") or "{}"
    try:
        return foreign_json.parsed(text)
    except ValueError:
        return text
