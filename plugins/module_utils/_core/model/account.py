# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One AWS account and its desired state: the validated options as data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from . import accepted_findings, sources, validation
from .accepted_findings import Accepted
from .credentials import cloud as clouds
from .credentials.credentials import AssumeRole, AwsCredentials, AzureCredentials
from .errors import InputError, Mistake, SentinelError
from .role.role import MICROSOFT_ACCOUNT, RoleSpec
from .sources import CLOUDTRAIL, SourceSpec


class Field(NamedTuple):
    """An option that may differ by account: its name in `fleet` and in the single modules, its type and group (`part`).

    None and blank values mean "not given"; with `empty_counts`, the empty value of the type is a value to set.
    """

    option: str
    short: str
    type: str
    part: str
    empty_counts: bool = False

    @property
    def variable(self) -> str:
        """The inventory variable that sets the option for one account."""
        return _VARIABLES.get(self.option, f"sentinel_{self.option}")


_VARIABLES = {
    "account_id": "aws_account_id",
    "account_joined": "aws_account_joined",
    "account_name": "aws_account_name",
    "ou_path": "aws_ou_path",
    "profile": "sentinel_aws_profile",
}

# The only table of account options: fleet's argument spec, inventory variables, documentation and tests follow it.
FIELDS = (
    Field("account_id", "account_id", "str", "account"),
    Field("account_joined", "joined", "str", "account"),
    Field("account_name", "account_name", "str", "account"),
    Field("ou_path", "ou", "str", "account"),
    Field("subscription_id", "subscription_id", "str", "account"),
    Field("resource_group", "resource_group", "str", "account"),
    Field("workspace", "workspace", "str", "account"),
    Field("workspace_id", "workspace_id", "str", "role_spec"),
    Field("role_name", "name", "str", "role_spec"),
    Field("role_path", "path", "str", "role_spec"),
    Field("role_description", "description", "str", "role_spec"),
    Field("role_max_session_duration", "max_session_duration", "int", "role_spec"),
    Field("role_permissions_boundary", "permissions_boundary", "str", "role_spec", empty_counts=True),
    Field("role_tags", "tags", "dict", "role_spec", empty_counts=True),
    Field("role_purge_tags", "purge_tags", "bool", "role_spec"),
    Field("permission_mode", "permission_mode", "str", "role_spec"),
    Field("microsoft_account_id", "microsoft_account_id", "str", "role_spec"),
    Field("external_ids", "external_ids", "list", "role_spec", empty_counts=True),
    Field("exclusive", "exclusive", "bool", "role_spec"),
    Field("adopt", "adopt", "bool", "role_spec"),
    Field("sources", "sources", "sources", "account", empty_counts=True),
    Field("deduplicate", "deduplicate", "bool", "account"),
    Field("accepted_findings", "accepted_findings", "dicts", "account"),
    Field("assume_role", "assume_role", "list", "assume_role", empty_counts=True),
    Field("assume_role_external_id", "assume_role_external_id", "str", "assume_role"),
    Field("assume_role_session_name", "assume_role_session_name", "str", "assume_role"),
    Field("assume_role_session_policy", "assume_role_session_policy", "bool", "assume_role"),
    Field("profile", "profile", "str", "aws"),
    Field("access_key", "access_key", "str", "aws"),
    Field("secret_key", "secret_key", "str", "aws"),
    Field("session_token", "session_token", "str", "aws"),
    Field("region", "region", "str", "aws"),
    Field("endpoint_url", "endpoint_url", "str", "aws"),
    Field("aws_ca_bundle", "aws_ca_bundle", "str", "aws"),
    Field("validate_certs", "validate_certs", "bool", "aws"),
    Field("auth_source", "auth_source", "str", "azure"),
    Field("azure_profile", "azure_profile", "str", "azure"),
    Field("tenant", "tenant", "str", "azure"),
    Field("client_id", "client_id", "str", "azure"),
    Field("secret", "secret", "str", "azure"),
    Field("x509_certificate_path", "x509_certificate_path", "str", "azure"),
    Field("thumbprint", "thumbprint", "str", "azure"),
    Field("oidc_token", "oidc_token", "str", "azure"),
    Field("oidc_token_file_path", "oidc_token_file_path", "str", "azure"),
    Field("cloud_environment", "cloud_environment", "str", "azure"),
    Field("adfs_authority_url", "adfs_authority_url", "str", "azure"),
    Field("cert_validation_mode", "cert_validation_mode", "str", "azure"),
    Field("disable_instance_discovery", "disable_instance_discovery", "bool", "azure"),
)
REQUIRED = ("account_id", "subscription_id", "resource_group", "workspace")
_GUIDS = ("workspace_id", "subscription_id")
_ASSUME_ROLE_FIELDS = {
    "assume_role": "roles",
    "assume_role_external_id": "external_id",
    "assume_role_session_name": "session_name",
    "assume_role_session_policy": "session_policy",
}
# By naming scheme: the key of each option in the input, its name in messages, and the option.
_OPTION_NAMES = {
    names: tuple((field.short if names == "short" else field.option, getattr(field, names), field) for field in FIELDS)
    for names in ("option", "short", "variable")
}

WorkspaceKey = tuple[AzureCredentials, str, str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its inventory host, the credentials to use, and the desired state of its role and connector.

    `subscription_id`, `resource_group` and `workspace` are empty where only the role is managed; the `workspace_id` of
    `role_spec` is empty until it has been read from the workspace.
    """

    account_id: str
    host: str
    subscription_id: str
    resource_group: str
    workspace: str
    role_spec: RoleSpec
    assume_role: AssumeRole
    aws: AwsCredentials
    azure: AzureCredentials
    sources: tuple[SourceSpec, ...] = sources.DEFAULT
    deduplicate: bool = False
    joined: str = ""
    """When the account joined its AWS organization, in ISO 8601; empty if unknown."""
    accepted: tuple[Accepted, ...] = ()
    """The entries of accepted_findings."""
    ou: str = ""
    """The path of its organizational unit, for reports; empty if unknown."""
    account_name: str = ""
    """Its name in the organization; empty if unknown."""

    @property
    def name(self) -> str:
        """The account id, followed by the host and the name of the account where they differ."""
        return label(self.account_id, self.host, self.account_name)

    @property
    def workspace_key(self) -> WorkspaceKey:
        """The key of the workspace of this account, to share it: the identity that reads it, and its names."""
        return self.azure.identity, self.subscription_id, self.resource_group, self.workspace

    def completed(self, *, account_id: str = "", workspace_id: str = "", partition: str = "aws") -> Account:
        """Return the account with values that AWS and Azure reported; raises bad_input for ARNs of another account."""
        account_id = account_id or self.account_id
        role_spec = replace(
            self.role_spec,
            account_id=account_id,
            workspace_id=self.role_spec.workspace_id or workspace_id,
            partition=partition,
        )
        found = replace(self, account_id=account_id, role_spec=role_spec)
        _check_arns(found, self.host, "short")
        return found


def label(account_id: str, *names: str) -> str:
    """Return the id of an account with its names for a line, which has them in brackets; equal ones once."""
    shown = (name.replace("[", "(").replace("]", ")") for name in names)
    return " ".join(dict.fromkeys(filter(None, (account_id, *shown))))


def parse(options: Mapping[str, Any], where: str, *, host: str = "", names: str = "option") -> Account:
    """Validate the options of one account; raises InputError with `where`, the option, its value and the rule.

    `options` has fleet's names, or those of a single module if `names` is "short". Messages use the names of the scheme
    `names`: "option", "short" or "variable".
    """
    given = _given_options(options, where, names)
    parts: dict[str, dict[str, Any]] = {"account": {}, "role_spec": {}, "assume_role": {}, "aws": {}, "azure": {}}
    for field, value in given:
        parts[field.part][field.short] = value
    account = parts["account"]
    account_id = account.pop("account_id", "")
    assume_role = {_ASSUME_ROLE_FIELDS[name]: value for name, value in parts["assume_role"].items()}
    role_spec = RoleSpec(**{"account_id": account_id, "workspace_id": "", **parts["role_spec"]})
    _check_keys(parts["aws"], where)
    found = Account(
        account_id,
        host,
        account.get("subscription_id", ""),
        account.get("resource_group", ""),
        account.get("workspace", ""),
        role_spec,
        AssumeRole(**assume_role),
        AwsCredentials(**parts["aws"]),
        AzureCredentials(**parts["azure"]),
        sources=account.get("sources", sources.DEFAULT),
        deduplicate=account.get("deduplicate", False),
        account_name=account.get("account_name", ""),
        joined=account.get("joined", ""),
        accepted=account.get("accepted_findings", ()),
        ou=account.get("ou", ""),
    )
    _check_cloud(found, options, where, names)
    _check_arns(found, where, names)
    return found


def _given_options(options: Mapping[str, Any], where: str, names: str) -> list[tuple[Field, Any]]:
    found: list[tuple[Field, Any]] = []
    mistakes: list[Mistake] = []
    for key, name, field in _OPTION_NAMES[names]:
        value = options.get(key)
        if value is None or not validation.is_given(value, field.type, empty_counts=field.empty_counts):
            continue
        try:
            found.append((field, _value(field, value, where, name)))
        except InputError as error:
            mistakes += error.mistakes
    if mistakes:
        raise InputError(mistakes)
    return found


def _value(field: Field, given: Any, where: str, name: str) -> Any:
    try:
        return _checked_once(field, given) if isinstance(given, str) else _checked(field, given, where, name)
    except InputError:
        return _checked(field, given, where, name)


@lru_cache(maxsize=1024)
def _checked_once(field: Field, given: str) -> Any:
    """Validate a string only once: thousands of accounts share the values of most options."""
    return _checked(field, given, "", "")


def _checked(field: Field, given: Any, where: str, name: str) -> Any:
    value = _convert(field, given)
    if field.type == "sources":
        sources.check(value, where, name)
        return value
    for rule in _FIELD_RULES[field]:
        validation.check(where, name, value, rule, given)
    if field.short in _GUIDS:
        return value.lower()
    return tuple(map(str.lower, value)) if field.short == "external_ids" else value


def _rules(field: Field) -> list[str]:
    found = [rule for rule in (field.type, field.short) if rule in validation.RULES or rule in validation.TYPES]
    return found[-1:] if field.type == "str" else found


_FIELD_RULES = {field: _rules(field) for field in FIELDS}
# Options whose values are converted by another function than that of their type.
_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "account_id": validation.account_id,
    "microsoft_account_id": validation.account_id,
    "account_name": validation.displayed,
    "ou_path": validation.displayed,
    "accepted_findings": accepted_findings.parse,
    "sources": sources.parse,
}


def _convert(field: Field, given: Any) -> Any:
    own = _CONVERTERS.get(field.option)
    return own(given) if own else validation.convert(field.type, given)


def _check_arns(account: Account, where: str, names: str) -> None:
    """Raise bad_input for an ARN of another account, or for ARNs of different partitions."""
    arns = [("assume_role", role) for role in account.assume_role.roles if role.startswith("arn:")]
    if account.role_spec.permissions_boundary:
        arns.append(("permissions_boundary", account.role_spec.permissions_boundary))
    for short, arn in arns:
        if account.account_id and arn.split(":")[4] not in ("aws", account.account_id):
            rule = f"it must be an ARN of account {account.account_id}"
        elif arn.split(":")[1] != arns[0][1].split(":")[1]:
            rule = f"it is in another partition than {arns[0][1]}"
        else:
            continue
        option = next(name for _key, name, field in _OPTION_NAMES[names] if field.short == short)
        raise InputError([Mistake(f"Cannot use {option} {arn!r}", where, rule)])


def _check_keys(given: Mapping[str, Any], where: str) -> None:
    if ("access_key" in given) != ("secret_key" in given) or ("session_token" in given and "access_key" not in given):
        rule = "access_key and secret_key must be set together, session_token only with them"
        raise InputError([Mistake("Cannot use the AWS keys", where, rule)])


def _check_cloud(account: Account, options: Mapping[str, Any], where: str, names: str) -> None:
    """Raise bad_input for a cloud without the AWS connector, or without the microsoft_account_id that it requires.

    The latter only where the role of the CloudTrail source is read or changed: S3 sources trust a web identity, and the
    modules for data connectors have no such option.
    """
    cloud = clouds.cloud_name(account.azure.cloud_environment)
    prefix = "sentinel_" if names == "variable" else ""
    what = f"Cannot use {prefix}cloud_environment {cloud!r}"
    if cloud == clouds.CHINA:
        raise InputError([Mistake(what, where, "Microsoft Sentinel has no AWS connector in this cloud")])
    of_a_role = CLOUDTRAIL in account.sources and (names != "short" or "microsoft_account_id" in options)
    if cloud == clouds.GOVERNMENT and of_a_role and not options.get("microsoft_account_id"):
        rule = (
            f"{prefix}microsoft_account_id is not set, and Microsoft's AWS account for this cloud is not published; "
            "the page of the data connector in the portal shows it"
        )
        raise InputError([Mistake(what, where, rule)])


def check_complete(account: Account, where: str, names: str) -> None:
    """Raise bad_input if an option is missing that role or data connector require."""
    _check_given(account, REQUIRED, where, names)


def check_workspace(account: Account, where: str, names: str) -> None:
    """Raise bad_input if an option is missing that identifies the workspace."""
    _check_given(account, REQUIRED[1:], where, names)


def _check_given(account: Account, options: Collection[str], where: str, names: str) -> None:
    given = {option: getattr(account, option) for option in options}
    if mistakes := missing(given, where, names, options):
        raise InputError(mistakes)


def missing(given: Mapping[str, Any], where: str, names: str, options: Collection[str] = REQUIRED) -> list[Mistake]:
    """Return a mistake for each of these options that is not given, named by `names`."""
    lacking = [
        name for _key, name, field in _OPTION_NAMES[names] if field.option in options and not given.get(field.option)
    ]
    return [Mistake("Cannot process", where, f"{name} is not set", " ") for name in lacking]


def check_partition(account: Account) -> None:
    """Raise bad_input if the AWS credentials belong to another partition than the ARNs and Microsoft's account.

    The partition is known only after a call to AWS (`Account.completed`).
    """
    role_spec = account.role_spec
    arns = (*account.assume_role.roles, role_spec.permissions_boundary or "")
    other = next((arn for arn in arns if arn.startswith("arn:") and arn.split(":")[1] != role_spec.partition), None)
    if other:
        rule = f"it is in another partition than the AWS credentials ({role_spec.partition})"
        raise SentinelError("bad_input", f"Cannot use {other!r} for account {account.name}: {rule}.")
    is_read_by_microsoft = CLOUDTRAIL in account.sources and role_spec.microsoft_account_id == MICROSOFT_ACCOUNT
    if role_spec.partition != "aws" and is_read_by_microsoft:
        raise SentinelError(
            "bad_input",
            f"Cannot process account {account.name}: it is in the partition {role_spec.partition}, but Microsoft's AWS "
            f"account {MICROSOFT_ACCOUNT} reads only accounts of the partition aws. For Azure Government, set the "
            "microsoft_account_id that the page of the data connector in the portal shows.",
        )


def check_unique(accounts: list[Account]) -> None:
    """Raise bad_input if an AWS account is listed twice."""
    seen: dict[str, str] = {}
    for account in accounts:
        if account.account_id in seen:
            places = " and ".join(host or "an entry of accounts" for host in (seen[account.account_id], account.host))
            raise SentinelError(
                "bad_input",
                f"Cannot process AWS account {account.account_id} twice, as {places}: list each account once.",
            )
        seen[account.account_id] = account.host
