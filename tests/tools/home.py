# Copyright (c) trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare a home folder for ansible-test: python home.py DIRECTORY.

ansible-test downloads get-pip.py to make its environments, and hides the environment variables from pip.
Behind a proxy or with a package mirror neither works, so its pip comes from the pip that runs here, with its settings.
"""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
from pathlib import Path

from ansible_test._internal.host_configs import NativePythonConfig
from ansible_test._internal.python_requirements import get_venv_packages

# The options of get-pip.py, without two that pip does not have.
GET_PIP = """\
import subprocess
import sys

wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.run([{python!r}, "-m", "pip", "--python", sys.executable, "install", *wanted], check=True)
"""


def pip_settings() -> configparser.RawConfigParser:
    """Return pip's settings from all its sources; the environment, which pip lists first, wins."""
    settings = configparser.RawConfigParser()
    settings.add_section("global")
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    for line in reversed(lines):
        name, _equals, value = line.partition("=")
        section, _dot, key = name.rpartition(".")
        section = "global" if section == ":env:" else section
        if not settings.has_section(section):
            settings.add_section(section)
        settings.set(section, key, str(ast.literal_eval(value)))
    settings.set("global", "quiet", "1")
    settings.set("global", "no-compile", "no")  # means: do not compile
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    if proxy and not settings.has_option("global", "proxy"):
        settings.set("global", "proxy", proxy)
    return settings


def main(directory: str) -> None:
    """Write both files."""
    home = Path(directory)
    version = get_venv_packages(NativePythonConfig(version="{}.{}".format(*sys.version_info)))["pip"]
    get_pip = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    get_pip.parent.mkdir(parents=True, exist_ok=True)
    get_pip.write_text(GET_PIP.format(python=sys.executable), encoding="utf-8")
    pip_conf = home / ".config" / "pip" / "pip.conf"
    pip_conf.parent.mkdir(parents=True, exist_ok=True)
    pip_conf.touch(mode=0o600)  # an index address may hold a password
    with pip_conf.open("w", encoding="utf-8") as file:
        pip_settings().write(file)


if __name__ == "__main__":
    main(sys.argv[1])
