"""When the last clean verification was, as a metric of the account: put on request only."""

from __future__ import annotations

from datetime import datetime

from verify.account.errors import ActionFailedError
from verify.run.verification import Run

METRIC = "LastCleanVerification"


def publish(run: Run, moment: datetime) -> None:
    """Publish that a run was clean at `moment`, in seconds since 1970.

    A metric has no "time since": whoever draws it counts from its last value. Raises
    ActionFailedError.
    """
    namespace = run.deployment.verification_metric_namespace
    if namespace is None:
        raise ActionFailedError(
            "the outputs name no verification_metric_namespace: deploy with "
            "verification_metric_enabled = true",
            "",
            "",
        )
    run.aws.act(
        "cloudwatch",
        "put_metric_data",
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": METRIC,
                "Dimensions": [{"Name": "Environment", "Value": run.deployment.environment}],
                "Timestamp": moment,
                "Value": moment.timestamp(),
                "Unit": "Seconds",
            }
        ],
    )
