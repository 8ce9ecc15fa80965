# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_check`: counts the AWS accounts of a play, before the limit of the run and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.inventory.manager import split_host_pattern

from ..module_utils._core.model.errors import InputError, Mistake, SentinelError
from ..module_utils._core.model.run_options import RUN_OPTIONS, read_option
from ..module_utils._core.options import FLEET_CHECK_SPEC
from ..plugin_utils.batch import SentinelAction
from ..plugin_utils.play_accounts import count_accounts
from ..plugin_utils.variables import LOCALHOST

SPEC = FLEET_CHECK_SPEC
HOSTS_VARIABLE = "sentinel_hosts"


class ActionModule(SentinelAction):
    """See the documentation of M(trailbridge.sentinel.fleet_check)."""

    spec = SPEC
    # This one is a host pattern, which is read as Ansible reads that of a play.
    run_options = tuple(option for option in RUN_OPTIONS if option.variable != HOSTS_VARIABLE)

    def execute(self) -> dict[str, Any]:
        """Count the accounts; raises SentinelError for none or too few."""
        variables = self.run_variables()
        pattern = self._pattern(self.task_options)
        matched = self.accounts.matched(pattern)
        self._refuse_in_inventory(LOCALHOST, self.variables.raw(LOCALHOST))
        ids = self.accounts.ids(matched, self._refuse_in_inventory)
        if variables.needs_accounts:
            for host in ids:
                variables.compare(host, self.variables.raw(host))
        minimum, accounts = self.validate_options(variables.read())["minimum_accounts"], count_accounts(ids)
        limited = count_accounts(self.accounts.ids(self.accounts.matched(pattern, limited=True)))
        hosts = _hosts_text(pattern)
        if minimum:
            self._refuse_unmatched_parts(pattern)
        if minimum and not accounts:
            raise _start_error(f"{hosts} matches no AWS account{_non_accounts_text(matched, ids)}")
        if accounts < minimum:
            raise _start_error(
                f"{hosts} matches {accounts} AWS account{'' if accounts == 1 else 's'}, "
                f"sentinel_minimum_accounts requires {minimum}"
            )
        if minimum and not limited:
            raise _start_error(f"the limit of the run excludes all {accounts} AWS accounts of {hosts}")
        return {"changed": False, "accounts": accounts, "limited_accounts": limited}

    def _refuse_in_inventory(self, host: str, host_vars: Mapping[str, Any]) -> None:
        """Refuse `sentinel_hosts` in the inventory, which Ansible does not read for the hosts of a play."""
        if HOSTS_VARIABLE in host_vars and HOSTS_VARIABLE not in self.variables.for_all_hosts:
            rule = "Ansible does not read the inventory for the hosts of a play; set it by -e"
            raise InputError([Mistake(f"Cannot use {HOSTS_VARIABLE}", f"host {host}", rule)])

    def _pattern(self, options: Mapping[str, Any]) -> Sequence[str]:
        """Return the host patterns; raises InputError for an empty one, which Ansible takes for all hosts."""
        pattern: Sequence[str] = options["hosts"] or ["all"]
        given = self.variables.for_all_hosts
        if HOSTS_VARIABLE in given:
            rendered = self.variables.rendered(LOCALHOST, self.variables.raw(LOCALHOST) | given, [HOSTS_VARIABLE])
            [option] = (one for one in RUN_OPTIONS if one.variable == HOSTS_VARIABLE)
            pattern = read_option(option, rendered.get(HOSTS_VARIABLE))
        self._check_pattern(pattern)
        return pattern

    def _check_pattern(self, pattern: Sequence[str]) -> None:
        """Raise InputError for an empty part, and for a number that may have been an account id."""
        for one in pattern:
            parts = split_host_pattern(one)
            if not parts or not all(part.lstrip("!&").removeprefix("~") for part in parts):
                raise InputError(
                    [Mistake(f"Cannot use {HOSTS_VARIABLE} {','.join(pattern)!r}", "", "a part of it is empty")]
                )
            if one.isdigit() and len(one) < 12 and not self.accounts.matched(one):
                rule = "an account id has twelve digits; leading zeros may be lost, so quote it"
                raise InputError([Mistake(f"Cannot use {HOSTS_VARIABLE} {one!r}", "", rule)])

    def _refuse_unmatched_parts(self, pattern: Sequence[str]) -> None:
        """Refuse an exclusion, or an intersection, that matches no host: a misspelt one would exclude nothing."""
        for part in (part for one in pattern for part in split_host_pattern(one)):
            if part.startswith(("!", "&")) and not self.accounts.matched(part[1:]):
                raise _start_error(f"the part {part} of {_hosts_text(pattern)} matches no host")


def _start_error(cause: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot start: {cause}.")


def _hosts_text(pattern: Sequence[str]) -> str:
    return "the inventory" if list(pattern) == ["all"] else f"the pattern {','.join(pattern)}"


def _non_accounts_text(matched: Sequence[str], ids: Mapping[str, str]) -> str:
    """Return why no host is an account: there is none, or the first one with an invalid id, or what an account has."""
    if not matched:
        return "; check -i, and the warnings of Ansible about inventory and host pattern"
    if invalid := next(iter(ids.items()), None):
        host, written = invalid
        return f": aws_account_id {written} of host {host} is not 12 digits; quote it, or YAML reads another number"
    hosts = "1 other host" if len(matched) == 1 else f"{len(matched)} other hosts"
    return f", only {hosts}; an account has aws_account_id, or twelve digits as its name"
