# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the events of an account are seen as arriving."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  lookback:
    description:
      - How far back events are looked for, such as V(7d), V(36h), V(90m), or a number of seconds.
      - V(7d) when not given.
    type: str
    default: 7d
  stale_after:
    description:
      - How old the last event of an account may be before the account is V(stale). Written as O(lookback).
      - V(6h) when not given. An account that is connected has an event for each time that Microsoft Sentinel assumes
        its role, so even one that nobody uses is seldom silent.
    type: str
    default: 6h
  role_last_used:
    description:
      - Whether IAM is asked as well when the role of each account was used last, which is the word of AWS on it.
      - It costs two requests for each account and needs a way in, by O(assume_role). It is not asked, unless this is
        V(true).
    type: bool
    default: false
"""
