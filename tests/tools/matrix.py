# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit tests with every supported Ansible and the oldest and newest packages: matrix.py FOLDER [NAME ...].

Each environment is created again below FOLDER; "devel", the development of Ansible, only where it is named. With pyenv,
set PYENV_VERSION to the versions of all Pythons.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TOOLS = (
    *("aiohttp", "ansible-builder", "ansible-runner", "duckdb-kql[duckdb]==1.1.2", "hypothesis", "jsonschema"),
    *("moto[server]", "ocsf-json-schema", "prometheus_client", "pytest", "pytest-xdist", "radon", "trustme"),
)
# The benchmarks need servers of their own, and run with the packages of the project alone.
LEFT_OUT = "--ignore=tests/unit/test_bench.py"
OLDEST = (
    "azure-identity==1.19.0",
    "azure-mgmt-securityinsight==1.0.0",
    "boto3==1.34.0",
    "botocore==1.34.0",
    "pycurl==7.45.3",
)
DEVEL = "https://github.com/ansible/ansible/archive/devel.tar.gz"
BESIDE_AZCOLLECTION = ("azure-core==1.31.0", "azure-mgmt-core==1.4.0", "azure-identity==1.19.0")


class Environment(NamedTuple):
    """A Python, and version constraints of packages; all others are the newest."""

    python: str
    packages: tuple[str, ...]


ENVIRONMENTS = {
    "oldest": Environment("python3.11", ("ansible-core==2.19.4", *OLDEST)),
    "azcollection": Environment("python3.11", ("ansible-core==2.19.*", *BESIDE_AZCOLLECTION)),
    "2.20": Environment("python3.12", ("ansible-core==2.20.*",)),
    "newest": Environment("python3.13", ("ansible-core==2.21.*",)),
    # A release candidate as long as there is no release.
    "2.22": Environment("python3.13", ("ansible-core>=2.22.0rc1,<2.23",)),
    "devel": Environment("python3.14", (f"ansible-core @ {DEVEL}",)),
}
# Only by name: what Ansible develops may break the tests at any time.
BY_NAME = ("devel",)


def make(folder: Path, environment: Environment) -> None:
    """Create an environment."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([environment.python, "-m", "venv", folder], check=True)
    python = str(folder / "bin/python")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", "requirements.txt", *environment.packages, *TOOLS], check=True)


def main(folder: Path, names: list[str]) -> int:
    """Return the number of environments with a failed test."""
    failed = []
    for name in names or [one for one in ENVIRONMENTS if one not in BY_NAME]:
        environment = ENVIRONMENTS[name]
        print(f"== {name}: {environment.python}, {', '.join(environment.packages)}", flush=True)
        make(folder / name, environment)
        command = ["make", "unit", "WITHOUT=", f"ARGS={LEFT_OUT}", f"VENV={folder / name}"]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"Failed: {', '.join(failed)}" if failed else "All of them passed.")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
