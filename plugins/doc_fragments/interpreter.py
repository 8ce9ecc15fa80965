# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notes of modules that run in a process of their own."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
notes:
  - This module connects to AWS and Azure from where it runs, so it runs on C(localhost) or with C(connection=local).
    For a host of the inventory, C(connection=local) does not select the Python of Ansible, but the one that Ansible
    discovers, which may be older or lack the required packages. Set C(ansible_python_interpreter) to
    C({{ ansible_playbook_python }}) in the variables of the play or of the group.
"""
