# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Style and script of the pages, with the hashes without which a browser applies neither."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"


def embedded(*names: str) -> dict[str, Any]:
    """Return the variables of a template for files such as report.css: `css` and `css_hash`."""
    from markupsafe import Markup

    variables: dict[str, Any] = {}
    for name in names:
        text, kind = (TEMPLATES / name).read_text(encoding="utf-8"), name.rpartition(".")[2]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        # A file of this collection: no value of an account is in it.
        variables |= {kind: Markup(text), f"{kind}_hash": f"sha256-{digest}"}  # noqa: S704
    return variables
