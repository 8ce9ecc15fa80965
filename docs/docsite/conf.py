# Copyright (c) trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for the documentation site; `make site` builds it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes

project = "trailbridge.sentinel"
author = "trailbridge contributors"
copyright = "trailbridge contributors"  # noqa: A001 Sphinx's name for it

extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 3

# Every reference must resolve; references to other sites are plain links, so no network is needed.
nitpicky = True
suppress_warnings = [
    "myst.header",  # `make bench` writes parts of a page, with headings of any level
    "myst.xref_missing",  # pages link to files that are not pages; GitHub shows them
]

html_theme = "furo"
html_title = "AWS accounts in Microsoft Sentinel"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_use_index = False
pygments_style = "ansible"
highlight_language = "yaml+jinja"

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/trailbridge/sentinel"
# The source file of a page, by the name of the page.
SOURCES = (
    (r"index", "docs/docsite/index.rst"),
    (r"docsite/(\w+)", r"docs/docsite/rst/\1.rst"),
    (r"docsite/(\w+)", r"docs/\1.md"),
    (r"(\w+)_module", r"plugins/modules/\1.py"),
    (r"(\w+)_inventory", r"plugins/inventory/\1.py"),
    (r"(\w+)_role", r"roles/\1/meta/argument_specs.yml"),
)
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def to_ansible(_app: Any, _environment: Any, node: Any, text: Any) -> nodes.reference | None:
    """Resolve references of the generated pages into Ansible's documentation, without downloading its index."""
    target = node["reftarget"]
    page = ANSIBLE_PAGES.get(target)
    if node["reftype"] == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    return nodes.reference("", "", text, refuri=ANSIBLE + page, internal=False) if page else None


def without_contents(_app: Any, _page: str, source: list[str]) -> None:
    """Remove the tables of contents of the generated pages: the theme shows one beside each page."""
    source[0] = re.sub(r"^\.\. contents::\n( +:.*\n)*", "", source[0], flags=re.MULTILINE)


def source_of(page: str) -> str:
    """Return the source file of a page; empty for pages that are generated from several files."""
    files = (re.sub(pattern, file, page) for pattern, file in SOURCES if re.fullmatch(pattern, page))
    return next((file for file in files if (ROOT / file).is_file()), "")


def link_to_source(_app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Link each page to its source file in the repository."""
    if source := source_of(page):
        context["theme_source_view_link"] = f"{REPOSITORY}/blob/main/{source}"
        context["theme_source_edit_link"] = f"{REPOSITORY}/edit/main/{source}"


def setup(app: Any) -> dict[str, bool]:
    """Register the functions with Sphinx."""
    app.connect("source-read", without_contents)
    app.connect("missing-reference", to_ansible)
    app.connect("html-page-context", link_to_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
