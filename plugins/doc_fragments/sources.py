# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option for the sources of an account. Written by make specs from the table of source types."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  sources:
    description:
      - The sources that Microsoft Sentinel reads in the account. Each is the name of a type, or a dictionary
        with C(type) and the options of that type.
      - An empty list is for an account whose events arrive through the S3 connector of an organization
        trail. Nothing is created in the account, and its events are expected from that connector.
      - Sources that are not listed are not changed. If not set, the list is V([cloudtrail]).
      - Type C(cloudtrail). An IAM role that trusts Microsoft with the workspace id as external id, and
        a data connector of the kind C(AmazonWebServicesCloudTrail). Its options are those of the account,
        such as O(role_name).
    type: list
    elements: raw
"""
