# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for ansible.eda.aws_sqs_queue, which is in no Python package, as far as the rulebook uses it.

It reads a real queue, with the client that the original uses. As documented, an event has the body of the message,
parsed where it is JSON, and the id of the message, and a message is deleted when it has been handed on.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiobotocore.session import get_session


def parsed(body: str) -> Any:
    """Return the content of a message."""
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        return body


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Pass on every received message."""
    async with get_session().create_client("sqs", region_name=args["region"]) as client:
        url = (await client.get_queue_url(QueueName=args["name"]))["QueueUrl"]
        while True:
            received = await client.receive_message(QueueUrl=url, WaitTimeSeconds=args["delay_seconds"])
            for message in received.get("Messages", []):
                await queue.put({"body": parsed(message["Body"]), "meta": {"MessageId": message["MessageId"]}})
                await client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
