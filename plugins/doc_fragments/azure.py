# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to sign in to Azure."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  auth_source:
    description:
      - Where the credentials come from. V(auto) when not given.
      - V(auto) takes the first that is there. (1) The options O(secret), O(x509_certificate_path), O(oidc_token) and
        O(oidc_token_file_path), in this order. (2) The section O(azure_profile) of C(~/.azure/credentials), if one is
        named. (3) The environment variables of the same four options. (4) The section C(default) of that file.
        (5) The Azure CLI, if C(az) is found and O(client_id) is given nowhere.
      - V(env) takes the environment variables only, V(credential_file) only the section O(azure_profile) or C(default),
        V(cli) the account that C(az login) signed in.
      - V(msi) takes the managed identity of the machine that the task runs on. It is never tried unless asked for.
    type: str
    choices:
      - auto
      - cli
      - env
      - credential_file
      - msi
  azure_profile:
    description:
      - Section of C(~/.azure/credentials), an INI file with the names of these options, as azure.azcollection reads it.
      - A C(subscription_id) in that file is not read.
      - E(AZURE_PROFILE) serves as well.
    type: str
  tenant:
    description:
      - Entra tenant, as GUID or domain name, V(adfs) for an AD FS server.
      - E(AZURE_TENANT) and E(AZURE_TENANT_ID) serve as well.
    type: str
  client_id:
    description:
      - Application id of the service principal, or client id of a user-assigned managed identity.
      - E(AZURE_CLIENT_ID) serves as well.
    type: str
  secret:
    description: Secret of the service principal. E(AZURE_SECRET) and E(AZURE_CLIENT_SECRET) serve as well.
    type: str
  x509_certificate_path:
    description:
      - PEM file with the certificate of the service principal and its RSA key, without a password.
      - E(AZURE_X509_CERTIFICATE_PATH) and E(AZURE_CLIENT_CERTIFICATE_PATH) serve as well.
    type: path
  thumbprint:
    description:
      - Thumbprint (SHA-1) that the certificate must have. It is not compared when not given.
      - E(AZURE_THUMBPRINT) serves as well.
    type: str
  oidc_token:
    description:
      - Federated token (a JWT of an issuer that the service principal trusts), such as that of a CI job.
      - E(AZURE_FEDERATED_TOKEN) serves as well.
    type: str
  oidc_token_file_path:
    description:
      - File with a federated token, such as Kubernetes keeps it. It is read anew for every sign-in.
      - E(AZURE_FEDERATED_TOKEN_FILE) serves as well.
    type: path
  cloud_environment:
    description:
      - V(AzureCloud), V(AzureUSGovernment), or the https address of Azure Resource Manager in a private cloud.
      - Without it the public cloud V(AzureCloud) is meant. E(AZURE_CLOUD_ENVIRONMENT) serves as well.
      - The address of a private cloud that is given as an option or a variable needs the credential in the same way
        (O(secret), O(x509_certificate_path), O(oidc_token) or O(oidc_token_file_path)). No credential of the
        environment, of C(~/.azure/credentials), of C(az) or of the machine is sent there. Where the environment names
        the address, they are.
      - With V(AzureUSGovernment) the option for Microsoft's AWS account (C(microsoft_account_id)) is needed as well.
        Microsoft does not publish that account; the connector's page in the portal shows it.
      - V(AzureChinaCloud) is refused, since Microsoft Sentinel has no AWS connector there.
    type: str
  adfs_authority_url:
    description:
      - Address of the authority to sign in at, where it is not the cloud's own, such as that of an AD FS server.
      - The same rule holds for it as for the address in O(cloud_environment).
      - E(AZURE_ADFS_AUTHORITY_URL) serves as well.
    type: str
  cert_validation_mode:
    description:
      - Whether the certificates of Azure's endpoints are checked. They are, unless this is V(ignore).
      - E(AZURE_CERT_VALIDATION_MODE) serves as well.
    type: str
    choices:
      - validate
      - ignore
  disable_instance_discovery:
    description:
      - Whether to sign in without asking the public cloud first whether it knows the authority.
      - When not given, it is not asked in private clouds and where O(adfs_authority_url) is given.
      - E(AZURE_DISABLE_INSTANCE_DISCOVERY) serves as well.
    type: bool
notes:
  - Proxies (E(HTTPS_PROXY), E(NO_PROXY)) and the certificates to trust (E(REQUESTS_CA_BUNDLE)) come from the
    environment, for the sign-in as for all else of Azure.
requirements:
  - azure-mgmt-securityinsight >= 1.0.0, < 2
  - azure-identity >= 1.19.0
"""
