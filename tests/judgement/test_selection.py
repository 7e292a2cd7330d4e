"""Which management events a trail's selectors leave out: cases, and properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.events.selection import unrecorded

KMS, RDS = "kms.amazonaws.com", "rdsdata.amazonaws.com"


def _basic(kinds: str = "All", **more: Any) -> dict[str, Any]:
    return {
        "ReadWriteType": kinds,
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
        **more,
    }


def _advanced(*fields: dict[str, Any], category: str = "Management") -> dict[str, Any]:
    return {"FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}, *fields]}


def _field(name: str, **operators: list[str]) -> dict[str, Any]:
    return {"Field": name, **operators}


READS, WRITES = (_field("readOnly", Equals=[value]) for value in ("true", "false"))


@pytest.mark.parametrize(
    "selectors",
    [
        pytest.param([_basic()], id="AWS's own default"),
        pytest.param([_basic("ReadOnly"), _basic("WriteOnly")], id="reads and writes apart"),
        pytest.param(
            [_basic(DataResources=[{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}])],
            id="data events as well",
        ),
        pytest.param(
            [_basic(ExcludeManagementEventSources=[KMS]), _basic()],
            id="excluded by one, recorded by another",
        ),
    ],
)
def test_basic_selectors_that_leave_nothing_out(selectors: list[dict[str, Any]]) -> None:
    assert unrecorded(selectors, []) is None


@pytest.mark.parametrize(
    ("selectors", "left_out"),
    [
        pytest.param([], "every management event", id="none"),
        pytest.param(
            [_basic(IncludeManagementEvents=False)], "every management event", id="data events only"
        ),
        pytest.param([_basic("WriteOnly")], "events with readOnly true", id="writes"),
        pytest.param([_basic("Sometimes")], "events with readOnly true", id="a new word"),
        pytest.param(
            [_basic(ExcludeManagementEventSources=[KMS])],
            f"events with eventSource {KMS}",
            id="without KMS",
        ),
        pytest.param(
            [_basic("ReadOnly"), _basic("WriteOnly", ExcludeManagementEventSources=[KMS, RDS])],
            f"events with eventSource {KMS}, readOnly false",
            id="writes without KMS",
        ),
    ],
)
def test_basic_selectors_that_leave_something_out(
    selectors: list[dict[str, Any]], left_out: str
) -> None:
    assert unrecorded(selectors, []) == left_out


@pytest.mark.parametrize(
    "selectors",
    [
        pytest.param([_advanced()], id="the category alone"),
        pytest.param([_advanced(READS), _advanced(WRITES)], id="reads and writes apart"),
        pytest.param(
            [_advanced(), _advanced(_field("resources.type", Equals=["X"]), category="Data")],
            id="data events as well",
        ),
        pytest.param([_advanced(), _advanced(category="NetworkActivity")], id="endpoints as well"),
        pytest.param(
            [
                _advanced(_field("eventSource", NotEquals=[KMS])),
                _advanced(_field("eventSource", Equals=[KMS])),
            ],
            id="a source apart",
        ),
        pytest.param(
            [
                _advanced(_field("eventSource", NotStartsWith=["kms."])),
                _advanced(_field("eventSource", StartsWith=["k", "x"])),
            ],
            id="a beginning within another",
        ),
        pytest.param(
            [
                _advanced(_field("errorCode", NotEquals=["AccessDenied"])),
                _advanced(_field("errorCode", StartsWith=["Access"])),
            ],
            id="a field that most records lack",
        ),
    ],
)
def test_advanced_selectors_that_leave_nothing_out(selectors: list[dict[str, Any]]) -> None:
    assert unrecorded([], selectors) is None


@pytest.mark.parametrize(
    ("selectors", "left_out"),
    [
        pytest.param([_advanced(category="Data")], "every management event", id="data events"),
        pytest.param([{"FieldSelectors": [WRITES]}], "every management event", id="no category"),
        pytest.param([_advanced(WRITES)], "events with readOnly true", id="writes"),
        pytest.param(
            [_advanced(_field("readOnly", NotEquals=["true"]))],
            "events with readOnly true",
            id="not reads",
        ),
        pytest.param(
            [_advanced(_field("eventSource", NotEquals=[KMS]))],
            f"events with eventSource {KMS}",
            id="without KMS",
        ),
        pytest.param(
            [_advanced(_field("eventSource", NotEndsWith=["amazonaws.com"]))],
            "events with eventSource *amazonaws.com",
            id="without an ending",
        ),
        pytest.param(
            [_advanced(_field("eventName", StartsWith=["Put", "Delete"]))],
            "events with any other eventName",
            id="some names",
        ),
        pytest.param(
            [_advanced(_field("userIdentity.arn", StartsWith=[""]))],
            "events with no userIdentity.arn",
            id="who has an ARN",
        ),
        pytest.param(
            [_advanced(_field("eventSource", Equals=[KMS], NotEquals=[KMS]))],
            f"events with eventSource {KMS}",
            id="selected and deselected",
        ),
        pytest.param(
            [
                _advanced(READS, _field("eventSource", NotEquals=[KMS])),
                _advanced(WRITES),
                _advanced(_field("eventSource", Equals=[RDS])),
            ],
            f"events with eventSource {KMS}, readOnly true",
            id="what none of three records",
        ),
    ],
)
def test_advanced_selectors_that_leave_something_out(
    selectors: list[dict[str, Any]], left_out: str
) -> None:
    assert unrecorded([], selectors) == left_out


def test_only_what_is_asked_for_must_be_recorded() -> None:
    assert unrecorded([_basic("WriteOnly")], [], "WriteOnly") is None
    assert unrecorded([_basic("WriteOnly")], [], "ReadOnly") == "events with readOnly true"


# --- properties: against records that are tried one by one ----------------------------------------

_TEXTS = st.text(alphabet="ab", max_size=3)
_VALUES = st.lists(_TEXTS, min_size=1, max_size=2)
_OPERATORS = st.sampled_from(
    ["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"]
)
_FIELDS = st.builds(
    lambda name, operators: {"Field": name, **operators},
    st.sampled_from(["eventSource", "errorCode"]),
    st.dictionaries(_OPERATORS, _VALUES, min_size=1, max_size=2),
)
_SELECTORS = st.lists(
    st.builds(
        lambda fields, kinds: _advanced(*fields, *kinds),
        st.lists(_FIELDS, max_size=2),
        st.sampled_from([(), (READS,), (WRITES,)]),
    ),
    max_size=3,
)


def _records(selector: dict[str, Any], record: dict[str, str | None]) -> bool:
    for item in selector["FieldSelectors"]:
        name = item["Field"]
        value = "Management" if name == "eventCategory" else record[name]
        wanted = [
            (operator, text)
            for operator in ("Equals", "StartsWith", "EndsWith")
            for text in item.get(operator, [])
        ]
        unwanted = [
            (operator, text)
            for operator in ("Equals", "StartsWith", "EndsWith")
            for text in item.get(f"Not{operator}", [])
        ]
        if wanted and not any(_meets(value, *test) for test in wanted):
            return False
        if any(_meets(value, *test) for test in unwanted):
            return False
    return True


def _meets(value: str | None, operator: str, text: str) -> bool:
    if value is None:
        return False
    return {
        "Equals": value == text,
        "StartsWith": value.startswith(text),
        "EndsWith": value.endswith(text),
    }[operator]


@given(_SELECTORS)
def test_the_judgement_agrees_with_trying_every_record(selectors: list[dict[str, Any]]) -> None:
    sources = {
        text
        for selector in selectors
        for item in selector["FieldSelectors"]
        for operator, texts in item.items()
        if operator != "Field"
        for text in texts
    }
    texts = _interesting(sources)
    tried = (
        {"eventSource": source, "errorCode": error, "readOnly": read_only}
        for source in texts
        for error in [*texts, None]
        for read_only in ("true", "false")
    )
    complete = all(any(_records(selector, record) for selector in selectors) for record in tried)
    assert (unrecorded([], selectors) is None) is complete


def _interesting(mentioned: set[str]) -> list[str]:
    """Texts that are, begin or end like those mentioned, in every combination, and others."""
    short = {text for text in mentioned if len(text) <= 3}
    return sorted({"", "-", *short, *(f"{a}-{b}" for a in {*short, ""} for b in {*short, ""})})


@given(_SELECTORS, _SELECTORS)
def test_another_selector_never_leaves_more_out(
    selectors: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    if unrecorded([], selectors) is None:
        assert unrecorded([], [*selectors, *more]) is None
        assert unrecorded([], [*more, *selectors]) is None
