"""An API call, carried all the way: trail, log group, filter, function, topic, queue."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from tests.sandbox.support import Account

ALERTING = """
import base64, gzip, json, os, boto3
sns = boto3.client("sns")
def handler(event, context):
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    print("kind", data["messageType"], len(data["logEvents"]))
    if data["messageType"] != "DATA_MESSAGE":
        return
    for one in data["logEvents"]:
        record = json.loads(one["message"])
        sns.publish(TopicArn=os.environ["TOPIC"], Message=json.dumps(
            {"record": record, "delivered": one["timestamp"], "owner": data["owner"],
             "group": data["logGroup"], "filters": data["subscriptionFilters"]}))
"""


def alerting(account: Account) -> tuple[dict[str, str], str]:
    """A trail whose opened ports reach a queue: the trail and the queue's URL."""
    trail = account.trail()
    topic, queue_url = account.topic_with_queue()
    function = account.function(ALERTING, Environment={"Variables": {"TOPIC": topic}})
    account.let_logs_invoke(function, trail["group"])
    account.logs.put_subscription_filter(
        logGroupName=trail["group"],
        filterName="changes",
        filterPattern='{ ($.eventName = "AuthorizeSecurityGroupIngress") && '
        "($.errorCode NOT EXISTS) }",
        destinationArn=function,
    )
    return trail, queue_url


def test_an_opened_port_reaches_the_queue(account: Account) -> None:
    trail, queue_url = alerting(account)
    group = account.security_group()

    started = time.time()
    account.ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "open"}],
            }
        ],
    )
    message = account.message(queue_url)
    finished = time.time()

    notification = json.loads(message["Body"])
    alert = json.loads(notification["Message"])
    record = alert["record"]
    assert record["eventName"] == "AuthorizeSecurityGroupIngress"
    assert record["requestParameters"]["groupId"] == group
    assert alert["owner"] == "123456789012"
    assert alert["group"] == trail["group"]
    assert alert["filters"] == ["changes"]

    # Every leg's clock is true, and they are in order.
    event_time = datetime.fromisoformat(record["eventTime"]).timestamp()
    delivered = alert["delivered"] / 1000
    published = datetime.fromisoformat(notification["Timestamp"]).timestamp()
    sent = int(message["Attributes"]["SentTimestamp"]) / 1000
    slack = 0.002  # the legs are rounded to milliseconds
    assert int(started) <= event_time <= delivered
    assert started - slack <= delivered <= published + slack
    assert published <= sent + slack <= finished + 2 * slack


def test_twenty_ports_opened_at_once_are_twenty_alerts(account: Account) -> None:
    _, queue_url = alerting(account)
    group = account.security_group()

    def open_port(port: int) -> None:
        account.ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
        )

    ports = range(2000, 2020)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_port, ports))
    alerted: list[int] = []
    while len(alerted) < len(ports):
        body = json.loads(account.message(queue_url)["Body"])
        alerted.append(json.loads(body["Message"])["record"]["requestParameters"]["fromPort"])
    assert sorted(alerted) == list(ports)
