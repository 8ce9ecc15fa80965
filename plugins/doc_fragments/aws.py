# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to get into AWS."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - Access key id of the base credentials.
      - Without it, botocore's own chain finds them (environment, shared files, container and instance roles).
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
    description: Profile of the AWS shared configuration files that the base credentials come from.
    type: str
    aliases: [aws_profile]
  region:
    description:
      - Region of the AWS STS endpoint to use.
      - Without it the region of the environment or the profile is used, else V(us-east-1).
    type: str
    aliases: [aws_region]
  endpoint_url:
    description:
      - Endpoint to use for every AWS service.
      - An endpoint that is not AWS's own needs O(access_key) and O(secret_key), unless E(AWS_ENDPOINT_URL) is the same.
      - Without it botocore's own settings count, such as E(AWS_ENDPOINT_URL).
    type: str
    aliases: [aws_endpoint_url]
  aws_ca_bundle:
    description:
      - File with the certificates to trust when talking to AWS, as E(AWS_CA_BUNDLE), or a folder of them whose files
        C(openssl rehash) has named.
      - Without it E(AWS_CA_BUNDLE), the profile's C(ca_bundle) and E(REQUESTS_CA_BUNDLE) count, in this order.
    type: path
  validate_certs:
    description: Whether the certificates of AWS endpoints are checked. They are, unless this is V(false).
    type: bool
  assume_role:
    description:
      - Name or ARN of the IAM role to assume in the account, or a list of them to try in order.
      - The caller's own account is worked on with the base credentials, without assuming a role. A role that a
        StackSet or the list of accounts is managed with is assumed there as well.
      - An empty list means no role at all.
    type: list
    elements: str
  assume_role_external_id:
    description: External id to send when assuming the role.
    type: str
  assume_role_session_name:
    description: Session name to use when assuming the role. V(trailbridge.sentinel) when not given.
    type: str
  assume_role_session_policy:
    description:
      - Whether a session in the account is limited to the calls that the task needs, on this one role, by a session
        policy. In check mode these are reads alone. It is, unless this is V(false).
    type: bool
requirements:
  - boto3 >= 1.34.0
  - pycurl >= 7.45.3
"""
