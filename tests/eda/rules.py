# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which actions a rulebook takes for events, by the code of ansible-rulebook itself: python rules.py RULEBOOK.

Reads a line of JSON for each event, and answers with one: the actions, with the arguments that ansible-rulebook would
call them with. Runs with the Python of ansible-rulebook.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible_rulebook.rule_generator import generate_rulesets
from ansible_rulebook.rule_types import EngineRuleSetQueuePlan, RuleSetQueue
from ansible_rulebook.rules_parser import parse_rule_sets
from ansible_rulebook.util import get_java_home, substitute_variables
from ansible_rulebook.validators import Validate
from drools.exceptions import MessageNotHandledException, MessageObservedException
from drools.ruleset import post


def rendered(plan: EngineRuleSetQueuePlan) -> list[dict[str, Any]]:
    """Return the actions that wait, rendered as by RuleSetRunner._call_action."""
    actions = []
    while not plan.plan.queue.empty():
        item = plan.plan.queue.get_nowait()
        context = {**item.variables, "event": item.rule_engine_results.data["m"]}
        actions += [{one.action: substitute_variables(dict(one.action_args), context)} for one in item.actions]
    return actions


async def main(source: Any) -> None:
    """Answer until standard input ends."""
    os.environ["JAVA_HOME"] = str(get_java_home())
    Validate.rulebook(source)
    (ruleset,) = parse_rule_sets(source, {})
    (plan,) = generate_rulesets([RuleSetQueue(ruleset, asyncio.Queue(), {})], {}, "")
    for line in sys.stdin:
        with contextlib.suppress(MessageNotHandledException, MessageObservedException):
            post(ruleset.name, json.loads(line))
        sys.stdout.write(json.dumps(rendered(plan)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))))
