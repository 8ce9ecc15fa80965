# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the documentation of the option `sources` from the table of source types.

Run it after a change of the table: make specs
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import (
    SOURCE_TYPES,
    SourceOption,
)

HEAD = '''# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option for the sources of an account. Written by make specs from the table of source types."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  sources:
    description:
'''
TAIL = '''    type: list
    elements: raw
"""
'''
INTRODUCTION = (
    (
        "The sources that Microsoft Sentinel reads in the account. Each is the name of a type, or a dictionary with "
        "C(type) and the options of that type."
    ),
    (
        "An empty list is for an account whose events arrive through the S3 connector of an organization trail. "
        "Nothing is created in the account, and its events are expected from that connector."
    ),
    "Sources that are not listed are not changed. If not set, the list is V([cloudtrail]).",
)


def sentences() -> Iterator[str]:
    """Yield the paragraphs of the description."""
    yield from INTRODUCTION
    for name, kind in SOURCE_TYPES.items():
        yield f"Type C({name}). {kind.description}"
        yield from (_option(name, option) for option in kind.options)


def _option(source_type: str, option: SourceOption) -> str:
    need = ", required" if option.required else ""
    return f"Option C({option.name}) of C({source_type}), {option.type}{need}. {option.description}"


def main(root: Path) -> None:
    paragraphs = [
        textwrap.fill(text, 120, initial_indent="      - ", subsequent_indent="        ", break_long_words=False)
        for text in sentences()
    ]
    text = HEAD + "\n".join(paragraphs) + "\n" + TAIL
    (root / "plugins/doc_fragments/sources.py").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
