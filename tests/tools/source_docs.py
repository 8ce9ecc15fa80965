# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the option `sources`, from the table of source types; make specs writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.sources import (
    SOURCE_TYPES,
    SourceOption,
    module_source_options,
)

FRAGMENT = '''# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options {about}. Written by make specs from the table of source types."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
{documentation}"""
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


class Dumper(yaml.SafeDumper):
    """Indents lists, as required by ansible-lint."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent a list deeper than its key."""
        super().increase_indent(flow, False)


def dump(data: dict[str, Any], width: int = 115) -> str:
    """Return documentation or a specification as YAML; the last word of a line may exceed the width."""
    text: str = yaml.dump(data, Dumper=Dumper, sort_keys=False, width=width, allow_unicode=True)
    return text


def options() -> dict[str, Any]:
    """Return the options of the fragment."""
    return {"sources": {"description": list(sentences()), "type": "list", "elements": "raw"}}


def module_options(source_type: str, *, for_removal: bool) -> dict[str, Any]:
    """Return the options of a type of source as options of modules for one source."""
    found = module_source_options(source_type, for_removal=for_removal)
    return {option.name: _module_option(option) for option in found}


def _module_option(option: SourceOption) -> dict[str, Any]:
    elements = {"elements": "str"} if option.type == "list" else {}
    required = {"required": True} if option.required else {}
    return {"description": [option.description], "type": option.type, **elements, **required}


def write(root: Path) -> None:
    """Write the fragments into a checkout."""
    for name, about, documented in (
        ("sources", "for the sources of an account", options()),
        ("s3_source", "of one S3 source", module_options("s3", for_removal=False)),
        ("s3_source_removal", "for the removal of one S3 source", module_options("s3", for_removal=True)),
    ):
        text = FRAGMENT.format(about=about, documentation=dump({"options": documented}, width=100))
        (root / f"plugins/doc_fragments/{name}.py").write_text(text, encoding="utf-8")
