# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the shipped playbook, the floor and an expert's script, alternating, against servers of our own.

python -m tests.bench                                        everything, about 20 minutes
python -m tests.bench --quick                                a short form, under 3 minutes
python -m tests.bench --phase unchanged --n 1000 --latency 30 --only playbook --only floor
python -m tests.bench --phase unchanged --n 1000 --latency 30 -- ansible-playbook -i INVENTORY playbook.yml

The last one runs a command of your own, such as a profiler, once against the servers; INVENTORY is filled in.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import chart, plan, table, targets
from .runs import Result, Results, measured, prepare
from .services import ROOT, services


def main(arguments: list[str]) -> int:
    """Parse the command line; 1 if something went wrong or a target was missed."""
    options = parse(arguments)
    asked = bool(options.phase or options.n or options.latency)
    cases = plan.quick() if options.quick else plan.full()
    if asked:
        cases = plan.own(options.phase, options.n, options.latency, options.only)
    if options.command:
        return visit(options, cases[0])
    results = measure(options, [again(case, options.repeat) for case in cases])
    keep(results, options.out)
    if options.write and not (asked or options.only):
        table.write(options.write / "performance.md", results)
        chart.write(options.write / "performance.svg", results)
    return judge(results)


def again(case: plan.Case, repetitions: int | None) -> plan.Case:
    """As often as planned, or as asked for."""
    return dataclasses.replace(case, repetitions=repetitions or case.repetitions)


def judge(results: Results) -> int:
    """Say which targets were met; 1 if one was not, or if a run went wrong."""
    found = targets.ingestion_statuses(results)
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
        "--n", action="append", default=[], type=int, metavar="NUMBER", help="only for so many accounts"
    )
    parser.add_argument("--latency", action="append", default=[], type=int, metavar="MS", help="only this latency")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this program")
    parser.add_argument("--repeat", type=int, help="how often, instead of what is planned")
    parser.add_argument("--tree", type=Path, default=default_tree(), help="what holds ansible_collections")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder of the raw results")
    parser.add_argument("--write", type=Path, metavar="DOCS", help="folder whose performance.md and .svg are renewed")
    parser.add_argument("command", nargs="*", help="what to run instead of the contestants")
    return parser.parse_args(arguments)


def default_tree() -> Path:
    """Where Ansible finds the collection."""
    return Path(os.environ.get("ANSIBLE_COLLECTIONS_PATH") or ROOT / "build")


def visit(options: argparse.Namespace, case: plan.Case) -> int:
    """Run somebody's command against the servers, and say which requests it made."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, services(options.tree.resolve()) as running:
        inventory = str(prepare(running, case, Path(name)).inventory)
        command = [word.replace("INVENTORY", inventory) for word in options.command]
        code = subprocess.run(command, env=running.environment, check=False).returncode
        print(running.control("figures"), file=sys.stderr)
    return code


def measure(options: argparse.Namespace, cases: list[plan.Case]) -> Results:
    """Run all of them, and say each result at once."""
    found: list[Result] = []
    print(
        f"{'phase':11} {'N':>6} {'ms':>3}  {'who':9} {'wall':>7} {'CPU':>7} {'MiB':>5} {'servers':>8} {'requests':>8}"
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as name, services(options.tree.resolve()) as running:
        for result in measured(running, cases, Path(name), lambda who: not options.only or who in options.only):
            found.append(result)
            print(line(result), flush=True)
    return Results(found)


def line(result: Result) -> str:
    """One result in words."""
    share = f"{100 * result.server_cpu / result.wall:.0f} %"
    text = (
        f"{result.phase:11} {result.number:6} {result.latency:3}  {result.contestant:9} {result.wall:7.2f} "
        f"{result.cpu:7.2f} {result.memory:5.0f} {share:>8} {sum(result.requests.values()):8}"
    )
    text += f"  refused {result.refused}" if result.refused else ""
    return text + (f"\n{result.problem}" if result.problem else "")


def keep(results: Results, folder: Path) -> None:
    """Write the raw results."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = [dataclasses.asdict(result) for result in results.all]
    (folder / "results.json").write_text(json.dumps(raw, indent=1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
