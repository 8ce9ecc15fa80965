# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The required Python packages: which of them this Python does not have, and the command that installs them."""

from __future__ import annotations

import importlib
import platform
import sys

from ..model.errors import SentinelError

# The modules that requirements.txt installs or brings; a package has the name of its module, with dashes.
MODULES = ("boto3", "botocore", "pycurl", "requests", "azure.identity", "azure.mgmt.core", "azure.mgmt.securityinsight")


def problems() -> dict[str, str]:
    """Return the packages that cannot be used: why one cannot be imported, empty for one that is not installed."""
    found: dict[str, str] = {}
    for module in MODULES:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            # Packages import each other: what one of them lacks may be another one of them.
            lacks = next((one for one in (module, *MODULES) if f"{one}.".startswith(f"{error.name}.")), None)
            found.setdefault(_package(lacks or module), "" if lacks else str(error))
        except ImportError as error:
            found[_package(module)] = str(error)
    return found


def _package(module: str) -> str:
    return module.replace(".", "-")


def missing_packages(action: str) -> SentinelError:
    """Return the error about all packages that are missing or cannot be imported: "Cannot <action>: …"."""
    found = problems()
    broken = [f"{package} cannot be imported ({why})" for package, why in found.items() if why]
    missing = [package for package, why in found.items() if not why]
    if missing:
        plural = "s are" if len(missing) > 1 else " is"
        broken.insert(0, f"the required package{plural} not installed: {', '.join(missing)}")
    return SentinelError(
        "missing_package",
        f"Cannot {action}: in {sys.executable} (Python {platform.python_version()}) {'; '.join(broken)}. "
        f"Run: {sys.executable} -m pip install {'--force-reinstall ' if not missing else ''}{' '.join(found)}",
    )
