"""Which events a trail's selectors leave out, which they take: cases, and properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from verify.events.selection import DataEvents, recorded_data, unrecorded, unrecorded_data

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


# --- data events ----------------------------------------------------------------------------------

LOGS, PATIENTS = "arn:aws:s3:::logs/", "arn:aws:s3:::patients/"
OBJECTS = DataEvents("AWS::S3::Object", "arn:aws:s3:::", but_for=(LOGS,))
OF_PATIENTS = DataEvents("AWS::S3::Object", PATIENTS)
DELETIONS = DataEvents(
    "AWS::S3::Object", LOGS, names=("DeleteObject",), read_write_type="WriteOnly"
)
DELIVERIES = DataEvents("AWS::S3::Object", LOGS, names=("PutObject",), read_write_type="WriteOnly")
FUNCTIONS = DataEvents("AWS::Lambda::Function", "arn:aws:lambda:")
NOT_LOGS = _field("resources.ARN", NotStartsWith=[LOGS])


def _of(type_: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return _advanced(_field("resources.type", Equals=[type_]), *fields, category="Data")


def _objects(*fields: dict[str, Any]) -> dict[str, Any]:
    return _of("AWS::S3::Object", *fields)


def _resources(type_: str, *values: str, kinds: str = "All") -> dict[str, Any]:
    return _basic(kinds, DataResources=[{"Type": type_, "Values": list(values)}])


@pytest.mark.parametrize(
    ("events", "basic", "advanced"),
    [
        pytest.param(OBJECTS, [], [_objects(NOT_LOGS)], id="all but logs"),
        pytest.param(OBJECTS, [], [_objects()], id="all"),
        pytest.param(
            OBJECTS,
            [],
            [_objects(NOT_LOGS, READS), _objects(NOT_LOGS, WRITES)],
            id="reads and writes apart",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(_field("resources.ARN", NotStartsWith=[f"{LOGS}AWSLogs/"]))],
            id="a folder of the logs alone is left out",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(_field("resources.ARN", StartsWith=["arn:aws:s3:::"])), _advanced()],
            id="what all of them begin with",
        ),
        pytest.param(
            OBJECTS,
            [],
            [
                _objects(_field("resources.ARN", NotStartsWith=[LOGS, PATIENTS])),
                _objects(_field("resources.ARN", StartsWith=[PATIENTS])),
            ],
            id="a bucket apart",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(NOT_LOGS, _field("eventSource", Equals=["s3.amazonaws.com"]))],
            id="by the source as well",
        ),
        pytest.param(OBJECTS, [_resources("AWS::S3::Object", "arn:aws:s3")], [], id="basic, all"),
        pytest.param(
            OBJECTS, [_resources("AWS::S3::Object", "arn:aws:s3:::")], [], id="basic, all by :::"
        ),
        pytest.param(OF_PATIENTS, [_resources("AWS::S3::Object", PATIENTS)], [], id="basic, one"),
        pytest.param(
            OF_PATIENTS,
            [],
            [_objects(_field("resources.ARN", StartsWith=[PATIENTS]))],
            id="advanced, the same one",
        ),
        pytest.param(
            OF_PATIENTS,
            [
                _resources("AWS::S3::Object", PATIENTS, kinds="ReadOnly"),
                _resources("AWS::S3::Object", PATIENTS, kinds="WriteOnly"),
            ],
            [],
            id="basic, reads and writes apart",
        ),
        pytest.param(FUNCTIONS, [], [_of("AWS::Lambda::Function")], id="functions"),
        pytest.param(
            FUNCTIONS, [_resources("AWS::Lambda::Function", "arn:aws:lambda")], [], id="basic"
        ),
        pytest.param(
            DELETIONS,
            [],
            [_objects(WRITES, _field("eventName", NotEquals=["PutObject"]))],
            id="what is no delivery",
        ),
    ],
)
def test_data_events_that_are_all_recorded(
    events: DataEvents, basic: list[dict[str, Any]], advanced: list[dict[str, Any]]
) -> None:
    assert unrecorded_data(basic, advanced, events) is None
    assert recorded_data(basic, advanced, events) is not None


@pytest.mark.parametrize(
    ("events", "basic", "advanced", "left_out"),
    [
        pytest.param(OBJECTS, [_basic()], [], "every data event", id="management events alone"),
        pytest.param(OBJECTS, [], [_advanced()], "every data event", id="the same, advanced"),
        pytest.param(
            OBJECTS,
            [],
            [_of("AWS::Lambda::Function")],
            "events with resources.type AWS::S3::Object",
            id="functions",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(_field("resources.ARN", NotStartsWith=[LOGS, PATIENTS]))],
            "events with resources.ARN arn:aws:s3:::patients/*",
            id="a bucket more is left out",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(_field("resources.ARN", NotStartsWith=["arn:aws:s3:::logs"]))],
            "events with resources.ARN arn:aws:s3:::logs*",
            id="a beginning that is too short",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(NOT_LOGS, _field("resources.ARN", NotEndsWith=[".tmp"]))],
            "events with resources.ARN arn:aws:s3:::*.tmp",
            id="an ending is left out",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(NOT_LOGS, WRITES)],
            "events with readOnly true",
            id="writes alone",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(NOT_LOGS, _field("eventName", NotEquals=["GetObject"]))],
            "events with eventName GetObject",
            id="an event is left out",
        ),
        pytest.param(
            OBJECTS,
            [],
            [_objects(NOT_LOGS, _field("userIdentity.arn", NotStartsWith=["arn:aws:iam::1"]))],
            "events with userIdentity.arn arn:aws:iam::1*",
            id="somebody is left out",
        ),
        pytest.param(
            OBJECTS,
            [_resources("AWS::S3::Object", PATIENTS)],
            [],
            "events with resources.ARN arn:aws:s3:::*",
            id="basic, one bucket",
        ),
        pytest.param(
            OBJECTS,
            [_resources("AWS::S3::Object", "arn:aws:s3", kinds="ReadOnly")],
            [],
            "events with readOnly false",
            id="basic, reads",
        ),
        pytest.param(
            OBJECTS, [_resources("AWS::S3::Object")], [], "every data event", id="basic, none"
        ),
        pytest.param(
            FUNCTIONS,
            [_resources("AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:one")],
            [],
            "events with resources.ARN arn:aws:lambda:*",
            id="one function",
        ),
        pytest.param(
            FUNCTIONS,
            [],
            [_of("AWS::Lambda::Function", _field("eventSource", Equals=["s3.amazonaws.com"]))],
            "events with eventSource lambda.amazonaws.com",
            id="of another source",
        ),
    ],
)
def test_data_events_that_are_not_all_recorded(
    events: DataEvents,
    basic: list[dict[str, Any]],
    advanced: list[dict[str, Any]],
    left_out: str,
) -> None:
    assert unrecorded_data(basic, advanced, events) == left_out


@pytest.mark.parametrize(
    ("basic", "advanced"),
    [
        pytest.param([_basic()], [], id="management events alone"),
        pytest.param([], [_objects(NOT_LOGS)], id="the bucket is left out"),
        pytest.param([], [_objects(_field("eventName", NotEquals=["PutObject"]))], id="the event"),
        pytest.param([], [_objects(READS)], id="reads"),
        pytest.param([], [_of("AWS::Lambda::Function")], id="functions"),
        pytest.param([_resources("AWS::S3::Object", PATIENTS)], [], id="basic, another bucket"),
    ],
)
def test_deliveries_that_go_unrecorded(
    basic: list[dict[str, Any]], advanced: list[dict[str, Any]]
) -> None:
    assert recorded_data(basic, advanced, DELIVERIES) is None


@pytest.mark.parametrize(
    ("basic", "advanced", "words"),
    [
        pytest.param(
            [_resources("AWS::S3::Object", "arn:aws:s3")],
            [],
            "events with readOnly false, resources.ARN arn:aws:s3:::logs/*, "
            "resources.type AWS::S3::Object",
            id="basic, all buckets",
        ),
        pytest.param(
            [],
            [_objects(NOT_LOGS), _objects(_field("eventName", StartsWith=["Put"]))],
            "events with eventName PutObject, resources.type AWS::S3::Object",
            id="by a second selector",
        ),
        pytest.param(
            [],
            [_objects(_field("resources.ARN", NotStartsWith=[f"{LOGS}AWSLogs/1/"]))],
            "events with resources.ARN arn:aws:s3:::logs/*, resources.type AWS::S3::Object",
            id="outside of a folder",
        ),
        pytest.param([], [_advanced(category="Data")], "every data event", id="everything"),
    ],
)
def test_deliveries_that_are_recorded(
    basic: list[dict[str, Any]], advanced: list[dict[str, Any]], words: str
) -> None:
    assert recorded_data(basic, advanced, DELIVERIES) == words


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
        value = item["Equals"][0] if name == "eventCategory" else record[name]
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


_DATA = st.lists(
    st.builds(
        lambda fields, kinds: _advanced(*fields, *kinds, category="Data"),
        st.lists(
            st.builds(
                lambda name, operators: {"Field": name, **operators},
                st.sampled_from(["resources.ARN", "eventName"]),
                st.dictionaries(_OPERATORS, _VALUES, min_size=1, max_size=2),
            ),
            max_size=2,
        ),
        st.sampled_from([(), (READS,), (WRITES,)]),
    ),
    max_size=3,
)


@given(_DATA, _TEXTS, st.lists(_TEXTS.filter(bool), max_size=2))
def test_of_data_events_too(
    selectors: list[dict[str, Any]], beginning: str, but_for: list[str]
) -> None:
    assume(not beginning.startswith(tuple(but_for)))
    texts = {
        field: _interesting(
            {
                text
                for selector in selectors
                for item in selector["FieldSelectors"]
                if item["Field"] == field
                for operator, texts in item.items()
                if operator != "Field"
                for text in texts
            }
            | {*more}
        )
        for field, more in (("resources.ARN", (beginning, *but_for)), ("eventName", ()))
    }
    events = DataEvents("AWS::S3::Object", beginning, but_for=tuple(but_for))
    arns = {f"{start}{text}" for start in ("", beginning) for text in texts["resources.ARN"]}
    tried: list[dict[str, str | None]] = [
        {"resources.ARN": arn, "eventName": name, "readOnly": read_only}
        for arn in arns
        if arn.startswith(beginning) and not arn.startswith(tuple(but_for))
        for name in texts["eventName"]
        for read_only in ("true", "false")
    ]
    taken = [any(_records(selector, record) for selector in selectors) for record in tried]
    assert (unrecorded_data([], selectors, events) is None) is all(taken)
    assert (recorded_data([], selectors, events) is None) is not any(taken)
