"""When the last clean verification was, as a metric of the account: put on request only."""

from __future__ import annotations

from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from verify.account.errors import describe
from verify.run.verification import Run

METRIC = "LastCleanVerification"


class NotPublishedError(Exception):
    """The metric could not be published. The message names the cause and the remedy."""


def publish(run: Run, moment: datetime) -> None:
    """Publish that a run was clean at `moment`, in seconds since 1970.

    A metric has no "time since": whoever draws it counts from its last value. It is no evidence:
    the run's folder is sealed by now. Raises NotPublishedError.
    """
    namespace = run.deployment.verification_metric_namespace
    if namespace is None:
        raise NotPublishedError(
            "the outputs name no verification_metric_namespace: deploy with "
            "verification_metric_enabled = true"
        )
    metric = {
        "MetricName": METRIC,
        "Dimensions": [{"Name": "Environment", "Value": run.deployment.environment}],
        "Timestamp": moment,
        "Value": moment.timestamp(),
        "Unit": "Seconds",
    }
    region = run.deployment.region
    try:
        run.aws.client("cloudwatch", region).put_metric_data(
            Namespace=namespace, MetricData=[metric]
        )
    except (ClientError, BotoCoreError) as error:
        said = describe(error, "cloudwatch", "put_metric_data", region)
        raise NotPublishedError(said) from error
