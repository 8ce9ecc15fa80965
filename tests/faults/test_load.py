# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many accounts at the documented limits of Azure Resource Manager, with an IAM that throttles: none is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bench.plan import Case
from tests.bench.runs import measure
from tests.bench.services import services
from tests.emulators.throttle import RATES

NUMBER = 2000
SETTINGS = {"throttle": True, "throttle_every": 10}


def test_no_account_is_lost_at_the_limits(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    # The copy of the checkout that the tests run in is a collection's folder: TREE/ansible_collections/NAMESPACE/NAME.
    with services(Path(__file__).parents[5]) as running:
        case = Case("new", NUMBER, 0, ("playbook",), settings=SETTINGS)
        result = measure(running, case, "playbook", tmp_path)
    size, rate = RATES["writes"]
    allowed = (NUMBER - size) / rate
    record_property("cells", 1)
    record_property("accounts lost", result.lost)
    record_property("load", f"{NUMBER} accounts in {result.wall:.0f} s, the bucket allows {allowed:.0f} s")
    record_property("load, refused by ARM", str(result.refused))
    record_property("load, throttled by IAM", str(result.throttled))
    assert result.problem == ""
    assert result.throttled > NUMBER / 10
    assert result.wall <= 1.2 * allowed
