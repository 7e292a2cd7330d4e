"""The mutants as data: each is well defined, and each control of the catalogue has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from mutants import untagged
from mutants.coverage import Coverage, ExemptionError, coverage, load_exemptions
from mutants.families import every_mutant, mutants_of
from mutants.model import Fate, Mutant, Suite, fate_of
from verify.inputs import baseline, catalogue

CONTROLS = set(catalogue.load())
PROFILES = baseline.profiles()
MUTANTS = every_mutant()


def _mutant(*fails: str, errors: frozenset[str] = frozenset()) -> Mutant:
    return Mutant("m", "f", "d", frozenset(fails), lambda account, mending: None, errors)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_control_has_a_mutant_or_an_explained_exemption(profile: str) -> None:
    held = set(baseline.load(profile).controls)
    found = coverage(held, mutants_of(held), load_exemptions())
    assert found.uncovered == frozenset()
    assert found.covered | found.exempt.keys() == held
    assert set(found.exempt) == {"alert-within-target", "no-drift"}


def test_a_profile_has_the_mutants_that_its_controls_must_notice() -> None:
    """And expects of each what its own controls say, be it less than the whole catalogue's."""
    [two] = [mutant for mutant in MUTANTS if mutant.name == "internet-gateway-with-route"]
    assert len(two.fails) == 3
    [held] = [mutant for mutant in mutants_of(sorted(two.fails)[:1]) if mutant.name == two.name]
    assert held.fails == set(sorted(two.fails)[:1])
    assert two.name not in {mutant.name for mutant in mutants_of({"vpc-address-range"})}
    every = {mutant for profile in PROFILES for mutant in _names(baseline.load(profile).controls)}
    assert every == {(mutant.family, mutant.name) for mutant in MUTANTS}


def _names(controls: Collection[str]) -> set[tuple[str, str]]:
    return {(mutant.family, mutant.name) for mutant in mutants_of(controls)}


def test_names_are_unique_and_in_the_form_of_names() -> None:
    counted = Counter((mutant.family, mutant.name) for mutant in MUTANTS)
    assert [name for name, count in counted.items() if count > 1] == []
    for mutant in MUTANTS:
        assert mutant.name == mutant.name.strip("-")
        assert not set(mutant.name) & set(" _/:"), mutant.name


def test_every_mutant_says_what_it_breaks_and_which_control_must_mind() -> None:
    for mutant in MUTANTS:
        assert mutant.fails | mutant.errors, mutant.name
        assert mutant.fails | mutant.errors <= CONTROLS, mutant.name
        assert not mutant.fails & mutant.errors, mutant.name
        assert len(mutant.description.split()) >= 3, mutant.name
        assert not mutant.description.endswith("."), mutant.name


def test_no_two_mutants_of_a_family_have_the_same_description() -> None:
    counted = Counter((mutant.family, mutant.description) for mutant in MUTANTS)
    assert [text for text, count in counted.items() if count > 1] == []


def test_what_needs_judgement_has_several_faults() -> None:
    by_control = Counter(control for mutant in MUTANTS for control in mutant.fails)
    for control in (
        "no-internet-ingress",
        "trail-management-events",
        "log-bucket-denies-plain-http",
        "log-bucket-admits-only-the-trail",
        "log-bucket-protects-files",
        "log-bucket-refuses-other-keys",
        "log-bucket-keeps-files",
        "key-policy-least-privilege",
        "trail-log-group-feeds-function",
        "function-not-public",
        "alert-topic-policy",
        "alarm-delivery-stopped",
        "alarm-function-trouble",
        "alarm-actions",
        "security-metric-alarms",
        "roles-least-privilege",
        "roles-trust",
        "alert-on-opened-rule",
    ):
        assert by_control[control] >= 3, control


def test_live_fire_judges_the_alerts_family_alone() -> None:
    for mutant in MUTANTS:
        assert (mutant.suite is Suite.LIVE_FIRE) == (mutant.family == "alerts"), mutant.name


@pytest.mark.parametrize(
    ("failed", "errored", "fate"),
    [
        ({"a"}, {"b"}, Fate.KILLED),
        (set(), set(), Fate.SURVIVED),
        ({"a"}, set(), Fate.WRONG_CONTROL),
        ({"a", "c"}, {"b"}, Fate.WRONG_CONTROL),
        (set(), {"a", "b"}, Fate.WRONG_CONTROL),
        ({"c"}, set(), Fate.WRONG_CONTROL),
        (set(), {"b"}, Fate.WRONG_CONTROL),
    ],
)
def test_only_exactly_the_named_controls_kill(
    failed: set[str], errored: set[str], fate: Fate
) -> None:
    mutant = _mutant("a", errors=frozenset({"b"}))
    assert fate_of(mutant, frozenset(failed), frozenset(errored)) is fate


def test_what_fails_when_time_has_passed_is_no_surprise_and_no_proof() -> None:
    mutant = replace(_mutant("a"), later=frozenset({"d"}))
    none = frozenset[str]()
    assert fate_of(mutant, frozenset({"a"}), none) is Fate.KILLED
    assert fate_of(mutant, frozenset({"a", "d"}), none) is Fate.KILLED
    assert fate_of(mutant, frozenset({"d"}), none) is Fate.WRONG_CONTROL


def test_a_control_without_mutant_and_exemption_is_uncovered() -> None:
    found = coverage({"a", "b", "c"}, [_mutant("a")], {"b": "cannot be seeded"})
    assert found == Coverage(frozenset({"a"}), {"b": "cannot be seeded"}, frozenset({"c"}))


def test_becoming_error_alone_does_not_cover_a_control() -> None:
    found = coverage({"a", "b"}, [_mutant("a", errors=frozenset({"b"}))], {})
    assert found.uncovered == {"b"}


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(ValueError, match="mutant m names unknown controls: \\['x'\\]"):
        coverage({"a"}, [_mutant("x")], {})


@pytest.mark.parametrize(
    ("exempt", "message"), [("x", "no such control"), ("a", "has a mutant: remove the exemption")]
)
def test_an_exemption_that_is_not_needed_is_refused(exempt: str, message: str) -> None:
    with pytest.raises(ExemptionError, match=message):
        coverage({"a"}, [_mutant("a")], {exempt: "because"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- control: a\n", "an entry is a control and a reason"),
        ("- control: a\n  reason: ' '\n", "needs a reason in words"),
        ("- control: a\n  reason: 7\n", "needs a reason in words"),
        ("- control: a\n  reason: x\n- control: a\n  reason: y\n", "exempt twice"),
        ("a: [", "is not YAML"),
        ("just words", "an entry is a control and a reason"),
        ("- control: a\n  reason: " + "x" * 100_001, "exceeds 100,000 characters"),
    ],
)
def test_bad_exemptions_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "exemptions.yaml"
    path.write_text(text)
    with pytest.raises(ExemptionError, match=message):
        load_exemptions(path)


def test_missing_exemptions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExemptionError, match="cannot be read"):
        load_exemptions(tmp_path / "none.yaml")


def test_every_declared_type_that_bears_tags_can_be_untagged() -> None:
    """Each taggable resource of the module has its mutant, a new one as well."""
    addresses = list(untagged.taggable())
    assert len(addresses) > 20
    assert {untagged.kind_of(address) for address in addresses} == set(untagged.CHANGES)
    assert set(addresses) >= untagged.OPTIONAL
