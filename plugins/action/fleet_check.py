# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of `fleet_check`: counts the accounts that a play is about, before its limit and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.inventory.manager import split_host_pattern

from ..module_utils._core.model.errors import InputError, Mistake, SentinelError
from ..module_utils._core.model.run_options import RUN_OPTIONS, read_option
from ..module_utils._core.options import FLEET_CHECK
from ..plugin_utils.batch import SentinelAction
from ..plugin_utils.play_accounts import count
from ..plugin_utils.variables import LOCALHOST

SPEC = FLEET_CHECK
HOSTS = "sentinel_hosts"


class ActionModule(SentinelAction):
    """See the documentation of M(trailbridge.sentinel.fleet_check)."""

    spec = SPEC
    # The pattern is read as Ansible reads that of a play.
    run_options = tuple(option for option in RUN_OPTIONS if option.variable != HOSTS)

    def work(self) -> dict[str, Any]:
        """Count the accounts, and raise SentinelError where they are none or too few."""
        run = self.of_the_run()
        pattern = self._pattern(self.task_options)
        matched = self.accounts.matched(pattern)
        self._refuse_hosts(LOCALHOST, self.variables.raw(LOCALHOST))
        ids = self.accounts.ids(matched, self._refuse_hosts)
        if run.is_open:
            for host in ids:
                run.see(host, self.variables.raw(host))
        minimum, accounts = self.validated(run.read())["minimum_accounts"], count(ids)
        limited = count(self.accounts.ids(self.accounts.matched(pattern, limited=True)))
        if minimum:
            self._refuse_nobody(pattern)
        if minimum and not accounts:
            raise _refused(f"{_shown(pattern)} matches no AWS account{_hint(matched)}")
        if accounts < minimum:
            raise _refused(
                f"{_shown(pattern)} matches {accounts} AWS account{'' if accounts == 1 else 's'}, "
                f"sentinel_minimum_accounts demands {minimum}"
            )
        if minimum and not limited:
            raise _refused(f"the limit of the run leaves none of the {accounts} AWS accounts of {_shown(pattern)}")
        return {"changed": False, "accounts": accounts, "limited_accounts": limited}

    def _refuse_hosts(self, host: str, known: Mapping[str, Any]) -> None:
        """Refuse `sentinel_hosts` of the inventory, where Ansible does not look for the hosts of a play."""
        if HOSTS in known and HOSTS not in self.variables.for_all:
            rule = "Ansible does not read the inventory for the hosts of a play; give it by -e"
            raise InputError([Mistake(f"Cannot use {HOSTS}", f"host {host}", rule)])

    def _pattern(self, options: Mapping[str, Any]) -> Sequence[str]:
        """Return the patterns of hosts; raises InputError for one that is empty, which Ansible takes for everybody."""
        pattern: Sequence[str] = options["hosts"] or ["all"]
        given = self.variables.for_all
        if HOSTS in given:
            found = self.variables.filled(LOCALHOST, self.variables.raw(LOCALHOST) | given, [HOSTS])
            [option] = (one for one in RUN_OPTIONS if one.variable == HOSTS)
            pattern = read_option(option, found.get(HOSTS))
        for one in pattern:
            parts = split_host_pattern(one)
            if not parts or not all(part.lstrip("!&").removeprefix("~") for part in parts):
                raise InputError([Mistake(f"Cannot use {HOSTS} {','.join(pattern)!r}", "", "a part of it is empty")])
            if one.isdigit() and len(one) < 12 and not self.accounts.matched(one):
                rule = "digits that are fewer than twelve are no account id; it may have lost its zeros, quote it"
                raise InputError([Mistake(f"Cannot use {HOSTS} {one!r}", "", rule)])
        return pattern

    def _refuse_nobody(self, pattern: Sequence[str]) -> None:
        """Refuse an exclusion, or an intersection, of hosts that are not there: a misspelt one excludes nobody."""
        for part in (part for one in pattern for part in split_host_pattern(one)):
            if part.startswith(("!", "&")) and not self.accounts.matched(part[1:]):
                raise _refused(f"the part {part} of {_shown(pattern)} matches no host")


def _refused(why: str) -> SentinelError:
    return SentinelError("bad_input", f"Cannot start: {why}.")


def _shown(pattern: Sequence[str]) -> str:
    return "the inventory" if list(pattern) == ["all"] else f"the pattern {','.join(pattern)}"


def _hint(matched: Sequence[str]) -> str:
    """Say what the hosts lack, where there are any."""
    if not matched:
        return ""
    return f", though {len(matched)} hosts; an account has aws_account_id, or twelve digits as its name"
