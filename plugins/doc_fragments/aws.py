# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the AWS credentials and of the roles to assume."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - Access key ID of the source credentials.
      - If not set, botocore finds the credentials (environment, shared files, container and instance roles).
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: Secret access key that belongs to O(access_key).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: Session token that belongs to O(access_key), for temporary credentials.
    type: str
    aliases: [aws_session_token]
  profile:
    description: Profile of the shared AWS configuration files to read the source credentials from.
    type: str
    aliases: [aws_profile]
  region:
    description:
      - Region of the AWS STS endpoint to use.
      - If not set, the Region of the environment or the profile is used, otherwise V(us-east-1).
    type: str
    aliases: [aws_region]
  endpoint_url:
    description:
      - Endpoint to use for every AWS service.
      - An endpoint outside of AWS requires O(access_key) and O(secret_key), unless E(AWS_ENDPOINT_URL) is set to the
        same value.
      - If not set, the settings of botocore are used, such as E(AWS_ENDPOINT_URL).
    type: str
    aliases: [aws_endpoint_url]
  aws_ca_bundle:
    description:
      - File with the CA certificates to trust for connections to AWS, or a folder of such files whose names were made
        by C(openssl rehash).
      - If not set, E(AWS_CA_BUNDLE), C(ca_bundle) of the profile and E(REQUESTS_CA_BUNDLE) are used, in this order.
    type: path
  validate_certs:
    description:
      - Whether to validate the certificates of AWS endpoints.
      - Defaults to V(true).
    type: bool
  assume_role:
    description:
      - Name or ARN of the IAM role to assume in the account, or a list of them to try in order.
      - In the account of the source credentials no role is assumed, except for managing a StackSet or listing the
        accounts of an organization.
      - An empty list means that no role is assumed.
    type: list
    elements: str
  assume_role_external_id:
    description: External ID to send when assuming the role.
    type: str
  assume_role_session_name:
    description:
      - Session name to use when assuming the role.
      - Defaults to V(trailbridge.sentinel).
    type: str
  assume_role_session_policy:
    description:
      - Whether to limit the session of the assumed role, by a session policy, to the calls that the task needs on the
        IAM role for Microsoft Sentinel. In check mode these are read calls alone.
      - Defaults to V(true).
    type: bool
requirements:
  - boto3 >= 1.34.0
  - pycurl >= 7.45.3
"""
