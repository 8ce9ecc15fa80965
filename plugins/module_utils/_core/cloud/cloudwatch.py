# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon CloudWatch: the counts of a queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..model.s3.traffic import WINDOW_SECONDS, Counts
from .aws_errors import translate_aws_errors
from .response import parse
from .service import Response, ServiceClient

# By the field of `Counts`: name and statistic of the metric. The last one shows that the queue is in use.
_METRICS = {
    "sent": ("NumberOfMessagesSent", "Sum"),
    "received": ("NumberOfMessagesReceived", "Sum"),
    "deleted": ("NumberOfMessagesDeleted", "Sum"),
    "oldest_seconds": ("ApproximateAgeOfOldestMessage", "Maximum"),
    "empty": ("NumberOfEmptyReceives", "Sum"),
}
_PERIOD_SECONDS = 300


async def queue_counts(cloudwatch: ServiceClient, queue_name: str) -> Counts | None:
    """Return the counts of a queue, None if CloudWatch has none because nothing used the queue for hours."""
    now = datetime.now(UTC)
    queries = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "QueueName", "Value": queue_name}],
                },
                "Period": _PERIOD_SECONDS,
                "Stat": statistic,
            },
        }
        for name, (metric, statistic) in _METRICS.items()
    ]
    with translate_aws_errors(f"read the metrics of queue {queue_name}", expired=cloudwatch.expired):
        found = await cloudwatch.pages(
            "GetMetricData",
            "MetricDataResults",
            cursor="NextToken",
            MetricDataQueries=queries,
            StartTime=now - timedelta(seconds=WINDOW_SECONDS),
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        return parse(_parse_counts, found)


def _parse_counts(results: list[Response]) -> Counts | None:
    values: dict[str, list[float]] = {name: [] for name in _METRICS}
    for one in results:
        values[one["Id"]] += one["Values"]
    if not any(values.values()):
        return None
    sums = {name: int(sum(values[name])) for name in ("sent", "received", "deleted")}
    # Descending: the first value is the newest.
    return Counts(**sums, oldest_seconds=int(next(iter(values["oldest_seconds"]), 0)))
