# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An S3 source for tests of its resources."""

from __future__ import annotations

from typing import Any

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec

ACCOUNT, OTHER = "222222222222", "333333333333"
WORKSPACE, OTHER_WORKSPACE = "11111111-aaaa-4aaa-8aaa-111111111111", "22222222-bbbb-4bbb-8bbb-222222222222"
BUCKET = "logs"
ORGANIZATION = "o-abcdefghij"
PREFIX = f"{ORGANIZATION}/AWSLogs/{ORGANIZATION}/"

Json = dict[str, Any]


def spec(**changes: Any) -> S3SourceSpec:
    values = {
        "account_id": ACCOUNT,
        "region": "eu-west-1",
        "bucket": BUCKET,
        "prefix": PREFIX,
        "workspace_id": WORKSPACE,
        "queue_name": "sentinel",
    }
    return S3SourceSpec(**{**values, **changes})


SPEC = spec()


def policy(*statements: Any, **more: Any) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements), **more}
