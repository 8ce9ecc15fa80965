# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connector of the S3 kind does: read messages, read the objects that they name, write rows, delete messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_plus

from . import cloudtrail_rows, log_files
from .s3_access import RefusedError, Session, assume, check_queue, may_decrypt
from .s3_connectors import KIND, is_codeless
from .sqs import Queue
from .state import Json, State, Workspace

PARSERS: dict[str, Callable[[bytes], list[Json] | None]] = {"AWSCloudTrail": cloudtrail_rows.rows, **log_files.PARSERS}
"""How a table's files are read."""


async def read(state: State, workspace: Workspace) -> list[Json]:
    """Let every connector that is on read its queues once: what each did, or the code of what stopped it."""
    connectors = [connector.raw for connector in workspace.connectors.values() if _is_reader(connector.raw)]
    async with state.s3.read_lock:
        return [await _read(state, workspace, raw, url) for raw in connectors for url in _urls(state, raw)]


def _is_reader(raw: Json) -> bool:
    """Codeless ones write through a collection rule, which is not emulated."""
    if raw.get("kind") != KIND or is_codeless(raw):
        return False
    properties = raw["properties"]
    enabled = str(properties.get("dataTypes", {}).get("logs", {}).get("state")).lower() == "enabled"
    return enabled and properties.get("destinationTable") in PARSERS


def _urls(state: State, raw: Json) -> list[str]:
    urls: list[str] = raw["properties"].get("sqsUrls", [])
    return urls if state.settings.queues_read == "all" else urls[:1]


async def _read(state: State, workspace: Workspace, raw: Json, url: str) -> Json:
    properties = raw["properties"]
    done: Json = {"connector": raw["name"], "queue": url, "deleted": 0, "kept": 0, "rows": 0, "code": ""}
    try:
        session = await assume(state, state.moto, properties["roleArn"], workspace.customer_id)
        queue = await check_queue(state, state.moto, session, url)
    except RefusedError as refused:
        return {**done, "code": refused.code}
    kept = []
    while messages := await _receive(state, queue):
        for message in messages:
            found = await _rows(state, session, queue, properties["destinationTable"], message["Body"])
            if found is None:
                kept.append(message["ReceiptHandle"])
                continue
            await state.moto.call(
                queue.account,
                "sqs",
                "delete_message",
                queue.region,
                QueueUrl=queue.url,
                ReceiptHandle=message["ReceiptHandle"],
            )
            if found:
                workspace.tables.put(properties["destinationTable"], found, state.now())
            done["deleted"] += 1
            done["rows"] += len(found)
    await _return(state, queue, kept)
    return {**done, "kept": len(kept)}


async def _receive(state: State, queue: Queue) -> list[Json]:
    answer = await state.moto.call(
        queue.account,
        "sqs",
        "receive_message",
        queue.region,
        QueueUrl=queue.url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=0,
    )
    found: list[Json] = answer.get("Messages", [])
    return found


async def _return(state: State, queue: Queue, handles: list[str]) -> None:
    """Messages that could not be used are there for the next read, until they are dead letters."""
    for handle in handles:
        await state.moto.find(
            queue.account,
            "sqs",
            "change_message_visibility",
            queue.region,
            QueueUrl=queue.url,
            ReceiptHandle=handle,
            VisibilityTimeout=0,
        )


async def _rows(state: State, session: Session, queue: Queue, table: str, body: str) -> list[Json] | None:
    """The rows of a message, or None where it has to stay."""
    found: list[Json] = []
    for bucket, key in _objects(body):
        data = await _get(state, session, queue, bucket, key)
        rows = None if data is None else PARSERS[table](data)
        if data is None or (rows is None and state.settings.digests == "fail"):
            return None
        found += rows or []
    return found


def _objects(body: str) -> Iterator[tuple[str, str]]:
    """Buckets and keys of a notification; S3's own test has none."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return
    for record in content.get("Records", []) if isinstance(content, dict) else []:
        yield record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])


async def _get(state: State, session: Session, queue: Queue, bucket: str, key: str) -> bytes | None:
    """An object, if the session may have it: by the role's policies, the bucket's, and its key's."""
    moto, partition = state.moto, queue.partition
    listing = await moto.call(session.account, "s3", "list_buckets", queue.region)
    own = any(one["Name"] == bucket for one in listing["Buckets"])
    answer = await moto.find(session.account, "s3", "get_bucket_policy", queue.region, Bucket=bucket)
    policy: Json | None = json.loads(answer["Policy"]) if answer else None
    if not session.may("s3:GetObject", f"arn:{partition}:s3:::{bucket}/{key}", policy, same_account=own):
        return None
    found = await moto.find(session.account, "s3", "get_object", queue.region, Bucket=bucket, Key=key)
    if found is None:
        return None
    kms_key = found.get("SSEKMSKeyId", "")
    if kms_key and not await may_decrypt(moto, session, session.account, queue.region, kms_key):
        return None
    data: bytes = found["Body"].read()
    return data
