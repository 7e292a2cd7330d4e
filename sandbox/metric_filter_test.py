"""TestMetricFilter, which moto lacks: which of some messages a filter pattern selects.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
"""

from __future__ import annotations

import json
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.responses import LogsResponse

from sandbox.filter_pattern import InvalidFilterPattern, compile_pattern
from sandbox.world import World

MAXIMUM_MESSAGES = 50


def install(_: World) -> None:
    """Give moto's CloudWatch Logs the operation."""

    def test_metric_filter(response: Any) -> str:
        messages = response._get_param("logEventMessages") or []
        if not 1 <= len(messages) <= MAXIMUM_MESSAGES or not all(messages):
            raise InvalidParameterException(
                "1 validation error detected: Value at 'logEventMessages' failed to satisfy "
                f"constraint: Member must have length between 1 and {MAXIMUM_MESSAGES}, and each "
                "message a length of at least 1"
            )
        try:
            pattern = compile_pattern(response._get_param("filterPattern"))
        except InvalidFilterPattern as error:
            raise InvalidParameterException(f"Invalid filter pattern: {error}") from error
        matches = [
            {"eventNumber": number, "eventMessage": message, "extractedValues": {}}
            for number, message in enumerate(messages, start=1)
            if pattern.matches(message)
        ]
        return json.dumps({"matches": matches})

    LogsResponse.test_metric_filter = test_metric_filter
