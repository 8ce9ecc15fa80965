# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that decide the ingestion status of an account."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  lookback:
    description:
      - Period before now in which to look for events, such as V(7d), V(36h), V(90m), or a number of seconds.
    type: str
    default: 7d
  stale_after:
    description:
      - Maximum age of the last event of an account. The status of an account with an older one is V(stale). The format
        is that of O(lookback).
      - A connected account has an event for each time that Microsoft Sentinel assumes its role, so even an unused
        account is rarely silent.
    type: str
    default: 6h
  role_last_used:
    description:
      - Whether to read from IAM when the role of each account was last used, which is evidence that is independent of
        Azure.
      - This takes two requests for each account, in which a role is assumed by O(assume_role).
    type: bool
    default: false
"""
