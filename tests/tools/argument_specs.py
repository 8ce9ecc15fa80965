# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the argument specs of the roles from the table of account options and the doc fragments.

Run it after a change of either: make specs
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.run_options import (
    HOST_OPTIONS,
    RUN_OPTIONS,
)
from tests.tools import source_docs

FRAGMENTS = {
    "fleet": ("aws", "azure", "workspace", "fleet_role", "sources"),
    "fleet_ingestion_info": ("aws", "azure", "workspace", "ingestion"),
}
PACKAGE = "ansible_collections.trailbridge.sentinel.plugins"
NO_LOG = ("secret", "secret_key", "session_token", "oidc_token")
RUN_VARIABLES = {option.variable for option in RUN_OPTIONS}
VARIABLES = {field.option: field.variable for field in FIELDS}

ACCOUNT = {
    "description": [
        "ID of the AWS account. Quote it, since YAML reads some IDs as octal numbers.",
        "If not set, the host name must be the ID.",
    ],
    "type": "str",
}
RUN = {
    "sentinel_concurrency": {
        "description": ["Maximum number of accounts to work on at the same time.", "Defaults to V(256)."],
        "type": "int",
    },
    "sentinel_max_change_percent": {
        "description": [
            "Maximum percentage of the accounts of the play that may change, independent of the limit of the run.",
            "If more would change, nothing is written.",
            "With C(serial) it is a percentage of each batch.",
            "If not set, any number of accounts may change. The playbook C(offboard) sets V(20).",
        ],
        "type": "float",
    },
    "sentinel_max_fail_percentage": {
        "description": [
            "Maximum percentage of the batch that may fail before the task fails. No later batch is started then.",
            "Defaults to V(0). The playbooks set V(100), and fail the hosts of failed accounts in their last play.",
        ],
        "type": "float",
    },
    "sentinel_minimum_accounts": {
        "description": [
            "Minimum number of accounts of the play before the limit of the run.",
            "Defaults to V(1). V(0) allows a job slice without accounts.",
            "The playbooks check it in a play of their own.",
            "With fewer active accounts in the AWS organization, no account is considered closed or departed.",
        ],
        "type": "int",
    },
    "sentinel_report_dir": {
        "description": [
            "Folder to write the report of the run to. If not set, no report is written.",
            "An interrupted run leaves the journal of its changes in this folder, or below the home folder of Ansible.",
        ],
        "type": "path",
    },
    "sentinel_report_name": {
        "description": [
            "Name of a run that has several parts, such as job slices or batches of C(serial).",
            "Parts with the same name share one report, to which each part adds its accounts.",
        ],
        "type": "str",
    },
}
FAIL_ON = {
    "sentinel_fail_on": {
        "description": [
            "Which accounts to add to the group C(sentinel_failed) in addition to those that failed.",
            "V(drift) adds accounts that differ from the desired state, V(security) those with a security finding.",
            "Defaults to V(never). The playbook C(drift) sets V(drift).",
        ],
        "type": "str",
    },
}
FIND_ORPHANS = {
    "sentinel_find_orphans": {
        "description": [
            "Whether to report the connectors of accounts that are closed or left the AWS organization.",
            "Additional connectors of the accounts whose roles do not exist are reported as well.",
            "The source credentials must be those of the management account or of a delegated administrator.",
            "Defaults to V(false).",
        ],
        "type": "bool",
    },
    "sentinel_find_unconnected_roles": {
        "description": [
            "Whether to report roles in the accounts that trust Microsoft Sentinel but belong to no connector.",
            "They are never removed. This requires C(iam:ListRoles) in the accounts.",
            "Defaults to V(false).",
        ],
        "type": "bool",
    },
}
OFFBOARD_ORPHANS = {
    "sentinel_offboard_orphans": {
        "description": [
            "Whether to remove also the connectors of accounts that are closed or have left the AWS organization.",
            "Additional connectors of the accounts whose roles do not exist are removed as well.",
            "The source credentials must be those of the management account or of a delegated administrator.",
            "Being outside of the inventory, the batch or the limit does not make an account an orphan.",
            "Use it only for a workspace whose accounts all belong to this organization.",
            "Defaults to V(false).",
        ],
        "type": "bool",
    },
}
VERIFY_FAIL_ON = {
    "sentinel_fail_on": {
        "description": [
            "Whether to add accounts whose ingestion status is not as expected to the group C(sentinel_failed).",
            "V(drift) and V(security) add all of them, V(never) none.",
            "Defaults to V(drift) in this role.",
        ],
        "type": "str",
    },
}
# Options of fleet_ingestion_info, by variable; the first two can be set for a single host.
VERIFY = {
    one.option: one.variable
    for one in (*HOST_OPTIONS, *RUN_OPTIONS)
    if one in HOST_OPTIONS or one.variable.startswith("sentinel_verify_")
}
# Options of an account that verification reads in addition to those of fleet_ingestion_info.
READ_BY_VERIFY = ("account_name", "ou_path", "role_name", "microsoft_account_id")
VERIFY_RUN = ("sentinel_concurrency", "sentinel_max_fail_percentage", "sentinel_report_dir", "sentinel_report_name")
COMMON = [
    "Each host of the inventory is one AWS account. Variables can be set for all hosts, a group or one host.",
    "Variables that apply to the whole run are marked. Set them for all hosts, in C(group_vars/all) or by C(-e).",
    "Call the role by C(include_role) with C(run_once). One task works on all accounts of the batch.",
    "Hosts of failed accounts are added to the group C(sentinel_failed), with the reason in C(sentinel_failure).",
    "If more than three accounts failed, it is one host that stands for all of them, with C(-v) every host.",
]
ROLES: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "onboard": (
        "Connects the AWS accounts of the batch to Microsoft Sentinel",
        [
            "Creates or updates what the sources of every account need in AWS, and their data connectors.",
            "The CloudTrail connector reads management and Insights events by C(LookupEvents).",
            "AWS allows two of these requests a second for each account and Region, shared with all other callers.",
            "Do not also stream events from one Region into another.",
        ],
        {**RUN, **FAIL_ON, **FIND_ORPHANS},
    ),
    "offboard": (
        "Disconnects the AWS accounts of the batch from Microsoft Sentinel",
        [
            "Removes the data connector of every account of the batch.",
            "Then removes the workspace from the trust policy of the IAM role.",
            "A role that no other workspace uses is removed.",
            "Of an S3 source that is listed, also the queues, the inline policy and the notification are removed.",
            "A role without the tag of this collection is refused, unless O(sentinel_adopt) is V(true).",
            "A role that C(onboard) adopted has the tag, and is removed with its policies and its connector.",
        ],
        {**RUN, **OFFBOARD_ORPHANS},
    ),
    "verify": (
        "Waits until the events of the AWS accounts of the batch arrive in Microsoft Sentinel",
        [
            "Queries the workspace for events until those of all accounts arrive or the time to wait is over.",
            "Then evaluates the ingestion status of each account.",
            "It is C(receiving), C(stale), C(silent), C(unhealthy), C(not_connected) or C(unknown).",
        ],
        {**{name: RUN[name] for name in VERIFY_RUN}, **VERIFY_FAIL_ON},
    ),
}


def documented(module: str) -> dict[str, Any]:
    """Return the options of a module, including those of its fragments."""
    found = {"account_id": ACCOUNT}
    for name in FRAGMENTS[module]:
        found |= source_docs.options() if name == "sources" else _fragment(name)
    found |= yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.{module}").DOCUMENTATION)["options"]
    return found


def _fragment(name: str) -> dict[str, Any]:
    fragment = importlib.import_module(f"{PACKAGE}.doc_fragments.{name}").ModuleDocFragment
    options: dict[str, Any] = yaml.safe_load(fragment.DOCUMENTATION)["options"]
    return options


def account_options(role: str) -> dict[str, Any]:
    """Return the options of an account, by the names of their variables."""
    fleet, verify = documented("fleet"), documented("fleet_ingestion_info")
    fields = [field for field in FIELDS if role != "verify" or field.option in {*verify, *READ_BY_VERIFY}]
    found = {field.variable: _option(field.option, fleet[field.option]) for field in fields}
    return found | {variable: _option(name, verify[name]) for name, variable in VERIFY.items() if role == "verify"}


def _option(name: str, source: dict[str, Any]) -> dict[str, Any]:
    text = source["description"]
    lines = [_renamed(line) for line in (text if isinstance(text, list) else [text])]
    if "default" in source:
        lines.append(f"Defaults to V({str(source['default']).lower()}).")
    option: dict[str, Any] = {"description": lines if isinstance(text, list) or "default" in source else lines[0]}
    # Without choices: for an invalid one, Ansible would display the whole specification, some 12 KB.
    option |= {key: source[key] for key in ("type", "elements") if key in source}
    return option | ({"no_log": True} if name in NO_LOG else {})


def _marked(name: str, option: dict[str, Any]) -> dict[str, Any]:
    """Return the option, marked if it applies to the whole run."""
    text = option["description"]
    listed = text if isinstance(text, list) else [text]
    return (
        option | {"description": [*listed, "This variable applies to the whole run."]}
        if name in RUN_VARIABLES
        else option
    )


def _renamed(text: str) -> str:
    names = VARIABLES | VERIFY
    return re.sub(r"O\((\w+)", lambda found: f"O({names[found[1]]}", text)


def main(root: Path) -> None:
    source_docs.write(root)
    for role, (short, description, options) in ROLES.items():
        main_spec = {
            "short_description": short,
            "version_added": "1.0.0",
            "author": ["trailbridge contributors (@trailbridge)"],
            "description": description + COMMON,
            "options": {name: _marked(name, option) for name, option in (account_options(role) | options).items()},
        }
        text = source_docs.dump({"argument_specs": {"main": main_spec}})
        (root / "roles" / role / "meta" / "argument_specs.yml").write_text(f"---\n{text}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
