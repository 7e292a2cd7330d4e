"""Faults of the investigation: of the table, the workgroup, its queries and their results."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.log_bucket import encrypt, lifecycle_of
from mutants.model import Family
from mutants.policies import change

_ASKED, _CONFINED = "log-files-can-be-asked", "queries-confined"
_SAVED, _ENCRYPTED = "saved-queries-in-place", "query-results-encrypted"
_CLOSED, _EXPIRE = "query-results-closed", "query-results-expire"
_READERS = "logs-read-by-named-roles-alone"
FAMILY = Family("investigation", _ASKED)
_RESULTS = "investigation_results_bucket_names"


# --- the table ------------------------------------------------------------------------------------

_Edit = Callable[[Document], object]
_INPUT = (
    *("Name", "Description", "Parameters", "PartitionKeys", "StorageDescriptor", "TableType"),
    *("Owner", "Retention"),
)


def _change_table(edit: _Edit, account: Account, mending: ExitStack) -> None:
    glue = account.client("glue")
    database = account.outputs["investigation_database_name"]
    name = account.outputs["investigation_table_name"]
    table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    before = {key: table[key] for key in _INPUT if key in table}
    after = copy.deepcopy(before)
    edit(after)
    mending.callback(glue.update_table, DatabaseName=database, TableInput=before)
    glue.update_table(DatabaseName=database, TableInput=after)


def _set(name: str, value: str) -> _Edit:
    return lambda table: table["Parameters"].__setitem__(name, value)


def _replace(name: str, old: str, new: str) -> _Edit:
    def edit(table: Document) -> None:
        properties = table["Parameters"]
        before = properties[name]
        properties[name] = before.replace(old, new)
        if properties[name] == before:
            raise ValueError(f"{name} has no {old}")

    return edit


def _without_source_address(table: Document) -> None:
    stored = table["StorageDescriptor"]
    stored["Columns"] = [one for one in stored["Columns"] if one["Name"] != "sourceipaddress"]


def _without_user_names(table: Document) -> None:
    for one in table["StorageDescriptor"]["Columns"]:
        one["Type"] = one["Type"].replace("username:string", "nickname:string")


def _other_serde(table: Document) -> None:
    serde = table["StorageDescriptor"]["SerdeInfo"]
    serde["SerializationLibrary"] = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


def _other_input(table: Document) -> None:
    table["StorageDescriptor"]["InputFormat"] = "org.apache.hadoop.mapred.TextInputFormat"


_RANGE, _TEMPLATE = "projection.day.range", "storage.location.template"
for _case, _description, _edit in (
    (
        "region-left-out",
        "a region is left out",
        _replace("projection.region.values", "eu-west-1,", ""),
    ),
    (
        "region-misspelled",
        "a region has another name",
        _replace("projection.region.values", "us-east-1", "us-east-9"),
    ),
    (
        "another-account",
        "the table is another account's",
        _set("projection.account.values", STRANGER),
    ),
    ("last-days-missing", "the newest files are not in it", _set(_RANGE, "NOW-2558DAYS,NOW-2DAYS")),
    ("old-days-missing", "what is older than a year is not in it", _set(_RANGE, "NOW-1YEARS,NOW")),
    ("fixed-end", "it ends on some day", _set(_RANGE, "2013/01/01,2026/01/01")),
    ("every-other-day", "it has every other day", _set("projection.day.interval", "2")),
    ("another-bucket", "it is of another bucket", _replace(_TEMPLATE, "s3://s3-", "s3://x3-")),
    (
        "another-folder",
        "it is of the digests",
        _replace(_TEMPLATE, "/CloudTrail/", "/CloudTrail-Digest/"),
    ),
    (
        "another-order",
        "it takes days for regions",
        _replace(_TEMPLATE, "${region}/${day}", "${day}/${region}"),
    ),
    (
        "organization",
        "it is of an organization's trail",
        _replace(_TEMPLATE, "AWSLogs/", "AWSLogs/o-a1b2c3d4e5/"),
    ),
    ("not-projected", "its partitions are not projected", _set("projection.enabled", "false")),
    (
        "injected-region",
        "every query must name its region",
        _set("projection.region.type", "injected"),
    ),
    (
        "archive-unseen",
        "restored files stay unseen",
        _set("read_restored_glacier_objects", "false"),
    ),
    ("column-missing", "it does not know from where", _without_source_address),
    ("member-missing", "it does not know users' names", _without_user_names),
    ("other-serde", "its rows are not read as JSON", _other_serde),
    ("other-input", "its files are not read as CloudTrail's", _other_input),
):
    FAMILY.add(f"table-{_case}", _description, partial(_change_table, _edit), _ASKED)


# --- the workgroup --------------------------------------------------------------------------------


def _change_workgroup(edit: _Edit, account: Account, mending: ExitStack) -> None:
    athena = account.client("athena")
    name = account.outputs["investigation_workgroup_name"]
    found = athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    before = {key: value for key, value in found.items() if key != "EngineVersion"}
    after = copy.deepcopy(before)
    edit(after)
    mending.callback(_update, athena, name, before, after)
    _update(athena, name, after, before)


def _update(athena: Any, name: str, wanted: Document, before: Document) -> None:
    """UpdateWorkGroup changes what it is given, and removes what it is told to remove."""
    results = wanted["ResultConfiguration"]
    gone = before["ResultConfiguration"].keys() - results.keys()
    updates = {key: value for key, value in wanted.items() if key != "ResultConfiguration"}
    removals = {f"Remove{key}": True for key in gone}
    if "BytesScannedCutoffPerQuery" not in wanted:
        updates["RemoveBytesScannedCutoffPerQuery"] = True
    athena.update_work_group(
        WorkGroup=name,
        ConfigurationUpdates={**updates, "ResultConfigurationUpdates": {**results, **removals}},
    )


def _results(**members: Any) -> _Edit:
    return lambda found: found["ResultConfiguration"].update(members)


def _no_encryption(found: Document) -> None:
    del found["ResultConfiguration"]["EncryptionConfiguration"]


def _no_limit(found: Document) -> None:
    del found["BytesScannedCutoffPerQuery"]


for _case, _description, _edit in (
    (
        "client-prevails",
        "a client's settings prevail",
        lambda found: found.update(EnforceWorkGroupConfiguration=False),
    ),
    ("elsewhere", "results go elsewhere", _results(OutputLocation="s3://anywhere/results/")),
    (
        "beside",
        "results go beside",
        _results(OutputLocation="s3://s3-investigation-results-prod-123456789012x/"),
    ),
    (
        "other-key",
        "results are under S3's own keys",
        _results(EncryptionConfiguration={"EncryptionOption": "SSE_S3"}),
    ),
    ("in-the-clear", "results are not encrypted", _no_encryption),
    (
        "anybodys-bucket",
        "results go into a bucket of whoever",
        _results(ExpectedBucketOwner=STRANGER),
    ),
    ("no-limit", "a query may read everything", _no_limit),
    (
        "high-limit",
        "a query may read a byte more than it should",
        lambda found: found.update(BytesScannedCutoffPerQuery=107374182401),
    ),
    (
        "no-metrics",
        "nobody sees how much is asked",
        lambda found: found.update(PublishCloudWatchMetricsEnabled=False),
    ),
):
    FAMILY.add(f"workgroup-{_case}", _description, partial(_change_workgroup, _edit), _CONFINED)


@FAMILY.fault("nobody can ask any more", _CONFINED)
def workgroup_disabled(account: Account, mending: ExitStack) -> None:
    athena = account.client("athena")
    name = account.outputs["investigation_workgroup_name"]
    mending.callback(athena.update_work_group, WorkGroup=name, State="ENABLED")
    athena.update_work_group(WorkGroup=name, State="DISABLED")


# --- the saved queries ----------------------------------------------------------------------------


def _change_query(name: str, old: str, new: str, account: Account, mending: ExitStack) -> None:
    athena = account.client("athena")
    group = account.outputs["investigation_workgroup_name"]
    for identifier in athena.list_named_queries(WorkGroup=group)["NamedQueryIds"]:
        query = athena.get_named_query(NamedQueryId=identifier)["NamedQuery"]
        if query["Name"] != name:
            continue
        text = query["QueryString"]
        if old not in text:
            raise ValueError(f"{name} has no {old}")
        same = {"NamedQueryId": identifier, "Name": name, "Description": query["Description"]}
        mending.callback(athena.update_named_query, **same, QueryString=text)
        athena.update_named_query(**same, QueryString=text.replace(old, new))


for _case, _description, _name, _old, _new in (
    (
        "one-spared",
        "one principal is left out",
        "who-did-what",
        "WHERE day",
        "WHERE eventid <> 'x' AND day",
    ),
    ("fewer", "most is left out", "who-did-what", "ORDER BY eventtime, eventid", "LIMIT 10"),
    ("no-source", "it does not say from where", "who-did-what", "       sourceipaddress,\n", ""),
    (
        "by-name-alone",
        "an access key finds nothing",
        "acts-of-one-principal",
        "    useridentity.accesskeyid,\n",
        "",
    ),
    (
        "sign-ins-spared",
        "failed sign-ins are left out",
        "failed-calls",
        " OR responseelements LIKE '%\"Failure\"%'",
        "",
    ),
    ("refused-alone", "both must be said", "failed-calls", "OR errormessage", "AND errormessage"),
    ("another-table", "it asks another table", "failed-calls", "FROM trail_records", "FROM others"),
    ("last-use", "it tells the last use", "first-use-of-a-region", "HAVING min(", "HAVING max("),
    ("not-sql", "it is no query", "first-use-of-a-region", "SELECT", "SHOW"),
):
    FAMILY.add(f"query-{_case}", _description, partial(_change_query, _name, _old, _new), _SAVED)


@FAMILY.fault("a saved query has another name", _SAVED)
def query_renamed(account: Account, mending: ExitStack) -> None:
    athena = account.client("athena")
    group = account.outputs["investigation_workgroup_name"]
    identifier = athena.list_named_queries(WorkGroup=group)["NamedQueryIds"][0]
    query = athena.get_named_query(NamedQueryId=identifier)["NamedQuery"]
    kept = {"NamedQueryId": identifier, "QueryString": query["QueryString"]}
    mending.callback(athena.update_named_query, **kept, Name=query["Name"])
    athena.update_named_query(**kept, Name="another")


# --- the results ----------------------------------------------------------------------------------


def _dropped(sid: str, _: Account, document: Document) -> None:
    without(document, sid)


@FAMILY.fault("whoever may read everything reads results", _CLOSED, _READERS)
def results_read_by_others(account: Account, mending: ExitStack) -> None:
    edit = partial(_dropped, "DenyReadsByOthers")
    change(f"bucket:{_RESULTS}", edit, account, mending)


@FAMILY.fault("whoever may write everything writes results", _CLOSED)
def results_written_by_others(account: Account, mending: ExitStack) -> None:
    change(f"bucket:{_RESULTS}", partial(_dropped, "DenyWritesByOthers"), account, mending)


@FAMILY.fault("results are read in the clear", _CLOSED)
def results_without_tls(account: Account, mending: ExitStack) -> None:
    change(f"bucket:{_RESULTS}", partial(_dropped, "DenyInsecureTransport"), account, mending)


@FAMILY.fault("one more role reads results", _CLOSED)
def results_read_by_one_more(account: Account, mending: ExitStack) -> None:
    def edit(_: Account, document: Document) -> None:
        refused = statement(document, "DenyReadsByOthers")["Condition"]["ArnNotLike"]
        spared = refused["aws:PrincipalArn"]
        spared = [spared] if isinstance(spared, str) else spared
        refused["aws:PrincipalArn"] = [*spared, "arn:aws:iam::123456789012:role/anybody"]

    change(f"bucket:{_RESULTS}", edit, account, mending)


@FAMILY.fault("results may be made public", _CLOSED)
def results_not_blocked(account: Account, mending: ExitStack) -> None:
    name = account.outputs[_RESULTS][0]
    before = account.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    mending.callback(
        account.s3.put_public_access_block, Bucket=name, PublicAccessBlockConfiguration=before
    )
    account.s3.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration={**before, "BlockPublicPolicy": False}
    )


@FAMILY.fault("results are under S3's own keys by default", _ENCRYPTED)
def results_encrypted_by_s3(account: Account, mending: ExitStack) -> None:
    encrypt(account, mending, {"SSEAlgorithm": "AES256"}, of=_RESULTS)


def _lifecycle(
    edit: Callable[[list[Document]], object], account: Account, mending: ExitStack
) -> None:
    before = lifecycle_of(account, _RESULTS)
    mending.callback(_put_lifecycle, account, before)
    after = copy.deepcopy(before)
    edit(after["LifecycleConfiguration"]["Rules"])
    _put_lifecycle(account, after)


def _put_lifecycle(account: Account, lifecycle: Document) -> None:
    name = account.outputs[_RESULTS][0]
    if lifecycle["LifecycleConfiguration"]["Rules"]:
        account.s3.put_bucket_lifecycle_configuration(Bucket=name, **lifecycle)
    else:
        account.s3.delete_bucket_lifecycle(Bucket=name)


def _later(rules: list[Document]) -> None:
    rules[0]["Expiration"]["Days"] = 8


def _sooner(rules: list[Document]) -> None:
    rules[0]["Expiration"]["Days"] = 1


def _versions_kept(rules: list[Document]) -> None:
    del rules[0]["NoncurrentVersionExpiration"]


for _case, _description, _rules in (
    ("never", "results stay for good", list.clear),
    ("later", "results stay a day longer", _later),
    ("sooner", "results are gone the next day", _sooner),
    ("versions", "deleted results stay for good", _versions_kept),
):
    FAMILY.add(f"results-{_case}", _description, partial(_lifecycle, _rules), _EXPIRE)
