# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The child process with moto's server; it ends with its parent.

Started as `python -m …moto_child all|few FOLDER`. Prints its port; ends and removes FOLDER when stdin is closed.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import sys
from typing import Any
from urllib.parse import quote_plus

REPLACED = "AWSCloudTrailReadOnlyAccess"
FEW = (
    "AWSCloudTrail_FullAccess",
    "AWSCloudTrail_ReadOnlyAccess",
    "AdministratorAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecurityAudit",
)
"""moto parses its table of 1,500 managed policies once per account (0.1 s, 5 MB). These are enough for most tests."""


def keep_few_policies() -> None:
    """Cut the table to FEW before any account exists. Off by default."""
    models: Any = importlib.import_module("moto.iam.models")

    table = json.loads(models.aws_managed_policies_data)
    # Removed by AWS, but still attached to existing roles.
    table[REPLACED] = {**table["AWSCloudTrail_ReadOnlyAccess"], "Arn": f"arn:aws:iam::aws:policy/{REPLACED}"}
    models.aws_managed_policies_data = json.dumps({name: table[name] for name in (*FEW, REPLACED)})


def match_encoded_keys() -> None:
    """Compare the filters of notifications with encoded keys, as S3 does: raw values match safe characters only.

    Source: "Configuring event notifications using object key name filtering" (Amazon S3 User Guide).
    """
    models: Any = importlib.import_module("moto.s3.models")
    matches = models.Notification.matches

    def matches_encoded(self: Any, event_name: str, key_name: str) -> Any:
        return matches(self, event_name, quote_plus(key_name, safe="/!*'()"))

    models.Notification.matches = matches_encoded


def main(policies: str, folder: str) -> None:
    """Serve until stdin ends."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto.server import ThreadedMotoServer

    if policies == "few":
        keep_few_policies()
    match_encoded_keys()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
