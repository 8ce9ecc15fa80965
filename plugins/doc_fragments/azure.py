# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the Azure credentials."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  auth_source:
    description:
      - Where to read the Azure credentials from. Defaults to V(auto).
      - V(auto) uses the first of these that is available. (1) The options O(secret), O(x509_certificate_path),
        O(oidc_token) and O(oidc_token_file_path), in this order. (2) The section O(azure_profile) of
        C(~/.azure/credentials), if that option is set. (3) The environment variables of the same four options. (4) The
        section C(default) of C(~/.azure/credentials). (5) The Azure CLI, if C(az) is installed and O(client_id) is not
        set.
      - V(env) uses the environment variables alone, V(credential_file) the section O(azure_profile) or C(default) of
        C(~/.azure/credentials), V(cli) the account that C(az login) signed in.
      - V(msi) uses the managed identity of the machine that runs the task. V(auto) never does.
    type: str
    choices:
      - auto
      - cli
      - env
      - credential_file
      - msi
  azure_profile:
    description:
      - Section of C(~/.azure/credentials), the INI file that azure.azcollection reads as well. Its keys have the names
        of these options.
      - C(subscription_id) of that file is ignored.
      - If not set, E(AZURE_PROFILE) is used.
    type: str
  tenant:
    description:
      - Microsoft Entra tenant, as GUID or domain name, or V(adfs) for an AD FS server.
      - If not set, E(AZURE_TENANT) or E(AZURE_TENANT_ID) is used.
    type: str
  client_id:
    description:
      - Application (client) ID of the service principal, or client ID of a user-assigned managed identity.
      - If not set, E(AZURE_CLIENT_ID) is used.
    type: str
  secret:
    description:
      - Secret of the service principal.
      - If not set, E(AZURE_SECRET) or E(AZURE_CLIENT_SECRET) is used.
    type: str
  x509_certificate_path:
    description:
      - PEM file with the certificate of the service principal and its RSA key, without a password.
      - If not set, E(AZURE_X509_CERTIFICATE_PATH) or E(AZURE_CLIENT_CERTIFICATE_PATH) is used.
    type: path
  thumbprint:
    description:
      - Thumbprint (SHA-1) that the certificate must have.
      - If not set, E(AZURE_THUMBPRINT) is used. Without either, the thumbprint is not compared.
    type: str
  oidc_token:
    description:
      - Federated token, which is a JWT of an issuer that the service principal trusts, such as that of a CI job.
      - If not set, E(AZURE_FEDERATED_TOKEN) is used.
    type: str
  oidc_token_file_path:
    description:
      - File with a federated token, such as the one that Kubernetes maintains. It is read again for every sign-in.
      - If not set, E(AZURE_FEDERATED_TOKEN_FILE) is used.
    type: path
  cloud_environment:
    description:
      - V(AzureCloud), V(AzureUSGovernment), or the HTTPS URL of Azure Resource Manager in a private cloud.
      - If not set, E(AZURE_CLOUD_ENVIRONMENT) is used, otherwise the public cloud V(AzureCloud).
      - If the URL of a private cloud is set by an option or a variable, the credential must be set in the same way, by
        O(secret), O(x509_certificate_path), O(oidc_token) or O(oidc_token_file_path). Credentials of the environment,
        of C(~/.azure/credentials), of C(az) and of the machine are never sent to such a URL, only to one that is set by
        E(AZURE_CLOUD_ENVIRONMENT).
      - V(AzureUSGovernment) requires the option for Microsoft's AWS account (C(microsoft_account_id)) as well.
        Microsoft does not publish that account; the page of the connector in the portal displays it.
      - V(AzureChinaCloud) is refused, since Microsoft Sentinel has no AWS connector there.
    type: str
  adfs_authority_url:
    description:
      - URL of the authority to sign in at, if it is not that of the cloud, such as the URL of an AD FS server.
      - The rule for a URL in O(cloud_environment) applies to this URL as well.
      - If not set, E(AZURE_ADFS_AUTHORITY_URL) is used.
    type: str
  cert_validation_mode:
    description:
      - Whether to validate the certificates of Azure endpoints. V(validate) validates them, V(ignore) does not.
      - If not set, E(AZURE_CERT_VALIDATION_MODE) is used, otherwise V(validate).
    type: str
    choices:
      - validate
      - ignore
  disable_instance_discovery:
    description:
      - Whether to sign in without validating the authority at the public cloud first.
      - If not set, E(AZURE_DISABLE_INSTANCE_DISCOVERY) is used, otherwise V(true) in private clouds and with
        O(adfs_authority_url).
    type: bool
notes:
  - Proxies (E(HTTPS_PROXY), E(NO_PROXY)) and CA certificates (E(REQUESTS_CA_BUNDLE)) for all connections to Azure are
    read from the environment.
requirements:
  - azure-mgmt-securityinsight >= 1.0.0, < 2
  - azure-identity >= 1.19.0
"""
