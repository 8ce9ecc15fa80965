# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for the removal of one S3 source. Written by make specs from the table of source types."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  purge_queue:
    description:
      - Whether a removal deletes a queue that has messages, C(false) if not set.
    type: bool
  remove_provider:
    description:
      - Whether a removal removes the audience of Microsoft Sentinel from the OIDC provider if no other
        role uses it, and the provider if this collection created it and it has no other audience, C(false)
        if not set.
    type: bool
"""
