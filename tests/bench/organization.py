# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the inventory of an organization with a static one with the same hosts, variables and groups.

python -m tests.bench.organization          10,000 accounts in 100 organizational units, 4 minutes
python -m tests.bench.organization 1000     fewer

`ansible-inventory --host` reads both completely and prints one host. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.emulators.client import CALLER_ACCOUNT, Emulators, emulators

from . import measure

ROOT = "r-ab12"
PLUGIN = "plugin: trailbridge.sentinel.aws_organization\n"
PAGE = 20
REPETITIONS = 2
# Limit of the CPU time, as a multiple of that of the static inventory.
MAX_RATIO = 2.0


def filled(cloud: Emulators, number: int) -> dict[str, list[str]]:
    """Create an organization with a tree of two levels, and return its units."""
    units = {f"ou-ab12-{n:08}": [f"Unit {n}", ROOT if n < 10 else f"ou-ab12-{n % 10:08}"] for n in range(100)}
    names = list(units)
    accounts = [
        {"Id": f"{100000000000 + n}", "Name": f"account {n}", "Parent": names[n % len(names)]} for n in range(1, number)
    ]
    cloud.organization([{"Id": CALLER_ACCOUNT, "Name": "management"}, *accounts], units=units)
    return units


def sources(folder: Path, environment: Mapping[str, str]) -> dict[str, Path]:
    """Return the inventories to compare: from AWS, from its cache, and as a static file."""
    cache = f"cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {folder / 'cache'}\n"
    texts = {"AWS": PLUGIN, "cache": PLUGIN + cache}
    found = {}
    for name, text in texts.items():
        found[name] = folder / f"{name}.aws_organization.yml"
        found[name].write_text(text)
    found["YAML file"] = folder / "static.yml"
    command = ["ansible-inventory", "-i", str(found["cache"]), "--list", "--yaml", "--output", str(found["YAML file"])]
    subprocess.run(command, env=dict(environment), cwd=folder, check=True)
    return found


def main(number: int) -> int:
    """Print the figures; return 1 if a target is missed."""
    best: dict[str, measure.Usage] = {}
    with emulators(managed_policies="few") as cloud, tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        environment = cloud.whole_environment(ANSIBLE_HOME=name, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="1")
        units = filled(cloud, number)
        listed = sources(folder, environment)
        cloud.forget()
        for _number in range(REPETITIONS):
            for source, path in listed.items():
                command = ["ansible-inventory", "-i", str(path), "--host", CALLER_ACCOUNT]
                used = measure.run(command, environment, folder, folder / "output")
                assert used.code == 0, used.output
                best[source] = min(used, best.get(source, used), key=lambda one: one.cpu)
        requests = Counter(cloud.operations("organizations"))
    print(f"{number} accounts, {len(units)} organizational units")
    for source, used in best.items():
        print(f"{source:10} {used.wall:6.2f} s, {used.cpu:6.2f} s of CPU, {used.memory:4.0f} MiB")
    print({name: count // REPETITIONS for name, count in requests.items()})
    pages = -(-number // PAGE)
    met = best["AWS"].cpu <= MAX_RATIO * best["YAML file"].cpu and requests["ListAccounts"] == pages * REPETITIONS
    print("met" if met else "MISSED")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10000))
