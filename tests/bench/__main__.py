# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the playbook, the floor and an expert's script, alternating, against local servers.

python -m tests.bench                                        everything, about 10 minutes
python -m tests.bench --quick                                a short form, under 3 minutes
python -m tests.bench --phase unchanged --n 1000 --latency 30 --only playbook --only floor
python -m tests.bench --phase unchanged --n 1000 --latency 30 -- ansible-playbook -i INVENTORY playbook.yml

The last one runs another command, such as a profiler, once against the servers; INVENTORY is replaced by the path.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path

from . import chart, members, plan, table, targets
from .runs import Result, Results, measured, prepare
from .services import ROOT, services


def main(arguments: list[str]) -> int:
    """Parse the command line; return 1 if a run failed or a target was missed."""
    options = parse(arguments)
    selected = bool(options.phase or options.n or options.latency)
    cases = plan.quick() if options.quick else plan.full()
    if selected:
        cases = plan.selected(options.phase, options.n, options.latency, options.only)
    if options.command:
        return run_command(options, cases[0])
    results = measure(options, [repeated(case, options.repeat) for case in cases])
    write_results(results, options.out)
    if options.write and not (selected or options.only):
        table.write(options.write / "performance.md", results)
        chart.write(options.write / "performance.svg", results)
    return report_targets(results)


def repeated(case: plan.Case, repetitions: int | None) -> plan.Case:
    """Return the case with the number of repetitions of the option, if given."""
    return dataclasses.replace(case, repetitions=repetitions or case.repetitions)


def report_targets(results: Results) -> int:
    """Print the targets; return 1 if one was missed or a run failed."""
    found = targets.evaluate(results)
    print()
    for one in found:
        print(f"{'met   ' if one.met else 'MISSED'}  {one.target}\n        {one.figure}")
    return int(any(result.problem for result in results.all) or not all(one.met for one in found))


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the short form")
    parser.add_argument("--phase", action="append", default=[], choices=list(plan.DEFAULT), help="only this phase")
    parser.add_argument(
        "--n", action="append", default=[], type=int, metavar="NUMBER", help="only this number of accounts"
    )
    parser.add_argument("--latency", action="append", default=[], type=int, metavar="MS", help="only this latency")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this program")
    parser.add_argument("--repeat", type=int, help="number of repetitions")
    parser.add_argument("--tree", type=Path, default=default_tree(), help="directory that contains ansible_collections")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="directory of the raw results")
    parser.add_argument("--write", type=Path, metavar="DOCS", help="directory with performance.md and .svg to update")
    parser.add_argument("command", nargs="*", help="command to run instead of the programs")
    return parser.parse_args(arguments)


def default_tree() -> Path:
    """Return the directory in which Ansible finds the collection."""
    return Path(os.environ.get("ANSIBLE_COLLECTIONS_PATH") or ROOT / "build")


def run_command(options: argparse.Namespace, case: plan.Case) -> int:
    """Run a command against the servers, and print the requests that it made."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, services(options.tree.resolve()) as running:
        inventory = str(prepare(running, case, Path(name)).inventory)
        command = [word.replace("INVENTORY", inventory) for word in options.command]
        code = subprocess.run(command, env=running.environment, check=False).returncode
        print(running.control("figures"), file=sys.stderr)
    return code


def measure(options: argparse.Namespace, cases: list[plan.Case]) -> Results:
    """Run all cases, and print each result."""
    found: list[Result] = []
    print(
        f"{'phase':11} {'N':>6} {'ms':>3}  {'program':9} {'wall':>7} {'CPU':>7} {'MiB':>5} {'servers':>8} "
        f"{'requests':>8}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as name, services(options.tree.resolve()) as running:
        of_members = [case for case in cases if case.phase == "members"]
        others = [case for case in cases if case.phase != "members"]
        wanted = measured(running, others, Path(name), lambda who: not options.only or who in options.only)
        for result in chain(wanted, members.measured(of_members, Path(name))):
            found.append(result)
            print(line(result), flush=True)
    return Results(found)


def line(result: Result) -> str:
    """Return one result as a line."""
    share = f"{100 * result.server_cpu / result.wall:.0f} %"
    text = (
        f"{result.phase:11} {result.number:6} {result.latency:3}  {result.contestant:9} {result.wall:7.2f} "
        f"{result.cpu:7.2f} {result.memory:5.0f} {share:>8} {sum(result.requests.values()):8}"
    )
    text += f"  throttled {result.refused}" if result.refused else ""
    return text + (f"\n{result.problem}" if result.problem else "")


def write_results(results: Results, folder: Path) -> None:
    """Write the raw results as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = [dataclasses.asdict(result) for result in results.all]
    (folder / "results.json").write_text(json.dumps(raw, indent=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
