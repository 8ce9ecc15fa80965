# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the argument specs of the roles from the one table of account options and the doc fragments.

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

FRAGMENTS = {
    "fleet": ("aws", "azure", "workspace", "fleet_role", "sources"),
    "fleet_ingestion_info": ("aws", "azure", "workspace", "ingestion"),
}
PACKAGE = "ansible_collections.trailbridge.sentinel.plugins"
NO_LOG = ("secret", "secret_key", "session_token", "oidc_token")
OF_THE_RUN = {option.variable for option in RUN_OPTIONS}
VARIABLES = {field.option: field.variable for field in FIELDS}

ACCOUNT = {
    "description": [
        "AWS account, as a text of 12 digits (quote it in YAML).",
        "The host name serves where it is 12 digits.",
    ],
    "type": "str",
}
RUN = {
    "sentinel_concurrency": {
        "description": "The most accounts that are worked on at the same time. V(64) when not given.",
        "type": "int",
    },
    "sentinel_max_change_percent": {
        "description": [
            "How many per cent of the accounts of the play may change, whatever the limit of the run.",
            "When more would, nothing is written.",
            "With C(serial) each batch is measured by itself.",
            "Any number when not given; V(20) in the playbook C(offboard).",
        ],
        "type": "float",
    },
    "sentinel_max_fail_percentage": {
        "description": [
            "How many per cent of the batch may fail before the task fails, and with it the batch and all later ones.",
            "V(0) when the role is used alone. V(100) in the playbooks, whose last play fails the hosts that failed.",
        ],
        "type": "float",
    },
    "sentinel_minimum_accounts": {
        "description": [
            "How many accounts the play must have at least before its limit. V(1) when not given.",
            "The playbooks check it in a play of their own. V(0) allows a job slice without an account.",
            "With fewer active accounts in the AWS organization, nobody is taken for gone.",
        ],
        "type": "int",
    },
    "sentinel_report_dir": {
        "description": [
            "Folder in which the run leaves its report. None is written when not given.",
            "A run that is ended from outside leaves its record there, or below Ansible's home.",
        ],
        "type": "path",
    },
    "sentinel_report_name": {
        "description": [
            "Name of the run that this is a part of, such as a job slice or a batch of C(serial).",
            "Parts of the same name share one report, to which each adds its accounts.",
        ],
        "type": "str",
    },
}
FAIL_ON = {
    "sentinel_fail_on": {
        "description": [
            "Which accounts end up in the group C(sentinel_failed) besides those that failed.",
            "V(drift) adds those that differ from the wish, V(security) those with a security finding, V(never) none.",
            "V(never) when the role is used alone and in the playbook C(onboard), V(drift) in the playbook C(drift).",
        ],
        "type": "str",
        "choices": ["drift", "security", "never"],
    },
}
FIND_ORPHANS = {
    "sentinel_find_orphans": {
        "description": [
            "Whether to list the AWS organization, and to say which connectors belong to accounts that are gone.",
            "Names also further connectors of the accounts that read a role which does not exist.",
            "Lists with the base credentials, those of the management account or of a delegated administrator.",
        ],
        "type": "bool",
    },
    "sentinel_find_unconnected_roles": {
        "description": [
            "Whether to name the roles in the accounts that let Microsoft Sentinel in and that no connector reads.",
            "They are never removed. Needs C(iam:ListRoles) in the accounts.",
        ],
        "type": "bool",
    },
}
OFFBOARD_ORPHANS = {
    "sentinel_offboard_orphans": {
        "description": [
            "Whether to remove also the connectors of accounts that are closed or have left the AWS organization.",
            "Of the accounts that are offboarded, connectors that read a role which does not exist go as well.",
            "Needs the credentials of the management account or of a delegated administrator.",
            "An account that is only outside of the inventory, the batch or the limit is never touched.",
            "Only for a workspace whose accounts are all of this one organization: of others it does not know.",
        ],
        "type": "bool",
    },
}
VERIFY_FAIL_ON = {
    "sentinel_fail_on": {
        "description": [
            "Whether accounts that are not as they should be end up in the group C(sentinel_failed).",
            "V(never) for none; V(drift), which is the default here, and V(security) for all of them.",
        ],
        "type": "str",
        "choices": ["drift", "security", "never"],
    },
}
# Options of fleet_ingestion_info; the first two may differ by account.
VERIFY = {
    one.option: one.variable
    for one in (*HOST_OPTIONS, *RUN_OPTIONS)
    if one in HOST_OPTIONS or one.variable.startswith("sentinel_verify_")
}
# What verification reads of an account beside the options of fleet_ingestion_info.
READ_BY_VERIFY = ("ou_path", "role_name", "microsoft_account_id")
VERIFY_RUN = ("sentinel_concurrency", "sentinel_max_fail_percentage", "sentinel_report_dir", "sentinel_report_name")
COMMON = [
    "One host of the inventory is one AWS account. Variables may be set for all, for a group or for one host.",
    "Those that count for the whole run say so, and are the same for all: set them in C(group_vars/all) or by C(-e).",
    "Call it by C(include_role) with C(run_once). All accounts of the batch are worked on in one task.",
    "Afterwards the hosts of failed accounts are in the group C(sentinel_failed), and C(sentinel_failure) says why.",
]
ROLES: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "onboard": (
        "Connects the AWS accounts of the batch to Microsoft Sentinel",
        [
            "Brings the IAM role and the data connector of every account of the batch to the wish.",
            "The connector reads management and Insights events by C(LookupEvents), which AWS allows twice a second.",
            "That is per account and Region, and shared with all other callers.",
            "Do not also stream events from one Region into another.",
        ],
        {**RUN, **FAIL_ON, **FIND_ORPHANS},
    ),
    "offboard": (
        "Disconnects the AWS accounts of the batch from Microsoft Sentinel",
        [
            "Removes the data connector of every account of the batch, then takes the workspace out of the IAM role.",
            "A role that serves no other workspace is removed.",
            "A role that does not carry the collection's tag is refused, unless O(sentinel_adopt) is set.",
            "One that C(onboard) adopted carries it, and is removed with its policies, and its connector.",
        ],
        {**RUN, **OFFBOARD_ORPHANS},
    ),
    "verify": (
        "Waits until the events of the AWS accounts of the batch arrive in Microsoft Sentinel",
        [
            "Asks in one query for all accounts whether events arrived, again until all have some or the time is over.",
            "Then evaluates each account.",
            "It is C(receiving), C(stale), C(silent), C(unhealthy), C(not_connected) or C(unknown).",
        ],
        {**{name: RUN[name] for name in VERIFY_RUN}, **VERIFY_FAIL_ON},
    ),
}


class Dumper(yaml.SafeDumper):
    """Indents lists, as ansible-lint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Never leave a list at the indent of its key."""
        super().increase_indent(flow, False)


def documented(module: str) -> dict[str, Any]:
    """Return the options of a module, with those of the fragments."""
    found = {"account_id": ACCOUNT}
    for name in FRAGMENTS[module]:
        fragment = importlib.import_module(f"{PACKAGE}.doc_fragments.{name}").ModuleDocFragment
        found |= yaml.safe_load(fragment.DOCUMENTATION)["options"]
    options: dict[str, Any] = yaml.safe_load(importlib.import_module(f"{PACKAGE}.modules.{module}").DOCUMENTATION)
    return found | options["options"]


def account_options(role: str) -> dict[str, Any]:
    """Return the options that may differ by account, under the names of their variables."""
    fleet, verify = documented("fleet"), documented("fleet_ingestion_info")
    fields = [field for field in FIELDS if role != "verify" or field.option in {*verify, *READ_BY_VERIFY}]
    found = {field.variable: _option(field.option, fleet[field.option]) for field in fields}
    return found | {variable: _option(name, verify[name]) for name, variable in VERIFY.items() if role == "verify"}


def _option(name: str, source: dict[str, Any]) -> dict[str, Any]:
    text = source["description"]
    option = {"description": [_renamed(line) for line in text] if isinstance(text, list) else _renamed(text)}
    option |= {key: source[key] for key in ("type", "elements", "choices") if key in source}
    return option | ({"no_log": True} if name in NO_LOG else {})


def _told(name: str, option: dict[str, Any]) -> dict[str, Any]:
    """Return the option, which says so where it counts for the whole run."""
    text = option["description"]
    listed = text if isinstance(text, list) else [text]
    return option | {"description": [*listed, "Counts for the whole run."]} if name in OF_THE_RUN else option


def _renamed(text: str) -> str:
    names = VARIABLES | VERIFY
    return re.sub(r"O\((\w+)", lambda found: f"O({names[found[1]]}", text)


def main(root: Path) -> None:
    for role, (short, description, options) in ROLES.items():
        main_spec = {
            "short_description": short,
            "version_added": "1.0.0",
            "author": ["trailbridge contributors (@trailbridge)"],
            "description": description + COMMON,
            "options": {name: _told(name, option) for name, option in (account_options(role) | options).items()},
        }
        text = yaml.dump({"argument_specs": {"main": main_spec}}, Dumper=Dumper, sort_keys=False, width=115)
        (root / "roles" / role / "meta" / "argument_specs.yml").write_text(f"---\n{text}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
