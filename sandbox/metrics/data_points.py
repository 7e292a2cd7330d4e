"""The metrics that AWS's services publish about themselves."""

from __future__ import annotations

from typing import Any

from sandbox.world import World


def publish(
    world: World,
    region: str,
    namespace: str,
    name: str,
    value: float,
    dimensions: dict[str, str],
    unit: str = "Count",
) -> None:
    """Add one data point, now, to a metric with exactly these dimensions."""
    datum: dict[str, Any] = {
        "MetricName": name,
        "Value": value,
        "Unit": unit,
        "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
    }
    with world.lock:
        world.backend("cloudwatch", region).put_metric_data(namespace, [datum])
