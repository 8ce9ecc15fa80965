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

# Every reference must lead somewhere; what leads out of the site is a plain link, so no network is needed.
nitpicky = True
suppress_warnings = [
    "myst.header",  # `make bench` writes parts of a page, with headings as deep as it likes
    "myst.xref_missing",  # pages link to files that are no pages; GitHub shows them
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
# Which file of the repository a page is made of, by the name of the page.
MADE_OF = (
    (r"index", "docs/docsite/index.rst"),
    (r"docsite/(\w+)", r"docs/docsite/rst/\1.rst"),
    (r"docsite/(\w+)", r"docs/\1.md"),
    (r"(\w+)_module", r"plugins/modules/\1.py"),
    (r"(\w+)_inventory", r"plugins/inventory/\1.py"),
    (r"(\w+)_role", r"roles/\1/meta/argument_specs.yml"),
)
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
ELSEWHERE = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def to_ansible(_app: Any, _environment: Any, node: Any, text: Any) -> nodes.reference | None:
    """Lead references of the generated pages into Ansible's documentation, without asking it for its index."""
    target = node["reftarget"]
    page = ELSEWHERE.get(target)
    if node["reftype"] == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    return nodes.reference("", "", text, refuri=ANSIBLE + page, internal=False) if page else None


def without_contents(_app: Any, _page: str, source: list[str]) -> None:
    """Leave out the tables of contents of the generated pages: the theme shows one beside each page."""
    source[0] = re.sub(r"^\.\. contents::\n( +:.*\n)*", "", source[0], flags=re.MULTILINE)


def source_of(page: str) -> str:
    """Return the file of the repository that a page is made of; empty for pages that collect what others have."""
    files = (re.sub(pattern, file, page) for pattern, file in MADE_OF if re.fullmatch(pattern, page))
    return next((file for file in files if (ROOT / file).is_file()), "")


def link_to_source(_app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Have the theme link each page to its source, which is elsewhere than the page itself."""
    if source := source_of(page):
        context["theme_source_view_link"] = f"{REPOSITORY}/blob/main/{source}"
        context["theme_source_edit_link"] = f"{REPOSITORY}/edit/main/{source}"


def setup(app: Any) -> dict[str, bool]:
    """Have Sphinx call us."""
    app.connect("source-read", without_contents)
    app.connect("missing-reference", to_ansible)
    app.connect("html-page-context", link_to_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
