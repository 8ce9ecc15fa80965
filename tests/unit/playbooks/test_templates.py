# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A template with a lookup is evaluated once for all hosts that it has the same meaning for, and for no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.internals import lookup_variables
from ansible_collections.trailbridge.sentinel.plugins.plugin_utils.templates import TemplateCache

NAME = "sentinel_secret"
# By template: how often it is evaluated for two hosts, each of which is read twice; each time adds a line to a file.
TEMPLATES = {
    "set for all": ("{{ lookup('pipe', count) }}", 1),
    "a query": ("{{ query('pipe', count) | first }}", 1),
    "in another variable": ("{{ of_all }}", 1),
    "the same group": ("{{ lookup('pipe', count ~ ' # ' ~ tenant) }}", 1),
    "each host": ("{{ lookup('pipe', count ~ ' # ' ~ inventory_hostname) }}", 2),
    "a variable by its name": ("{{ lookup('vars', 'of_' ~ word) }}{{ lookup('pipe', count) }}", 4),
    "a plugin by a variable": ("{{ lookup(plugin, count) }}", 4),
    "another name for it": ("{% set f = lookup %}{{ f('pipe', count) }}", 4),
    "a random value": ("{{ lookup('pipe', count) ~ (9 | random) }}", 4),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_lookup_is_evaluated_once_where_hosts_do_not_differ(tmp_path: Path, case: str) -> None:
    text, expected = TEMPLATES[case]
    counter = tmp_path / "counter"
    shared: dict[str, Any] = {"count": f"echo x >> {counter}; wc -l < {counter}", "tenant": "one", "word": "x"}
    shared |= {"of_x": "", "plugin": "pipe", "of_all": trust_as_template("{{ lookup('pipe', count) }}")}
    cache = TemplateCache(Templar(loader=DataLoader()))
    for host in ("a", "b", "a", "b"):
        cache.render({NAME: trust_as_template(text)}, {**shared, "inventory_hostname": host})
    assert len(counter.read_text().splitlines()) == expected


def test_the_value_for_all_is_kept_whatever_single_hosts_have(tmp_path: Path) -> None:
    """More hosts than results that are kept."""
    counter = tmp_path / "counter"
    of_all = trust_as_template(f"{{{{ lookup('pipe', 'echo x >> {counter}; wc -l < {counter}') }}}}")
    cache = TemplateCache(Templar(loader=DataLoader()))
    for number in range(30):
        own = trust_as_template(f"{{{{ '{number}' }}}}")
        assert cache.render({NAME: own}, {})[NAME] == str(number)
        assert cache.render({NAME: of_all}, {})[NAME] == "1"


def test_a_lookup_that_fails_is_evaluated_once(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    failing = trust_as_template(f"{{{{ lookup('pipe', 'echo x >> {counter}; false') }}}}")
    cache = TemplateCache(Templar(loader=DataLoader()))
    for _host in range(3):
        with pytest.raises(AnsibleError):
            cache.render({NAME: failing}, {})
    assert counter.read_text() == "x\n"


def test_a_lookup_whose_options_are_variables_depends_on_them() -> None:
    assert lookup_variables("env") == frozenset()
    assert "ansible_lookup_url_timeout" in (lookup_variables("url") or ())
    assert lookup_variables("no_such_plugin") is None
