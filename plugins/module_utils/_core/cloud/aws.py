# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS STS: source credentials, assumed roles, and the service clients of all accounts."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import IO, Any, NamedTuple

from ..model.credentials import sign_in
from ..model.credentials.credentials import AssumeRole, AwsCredentials
from ..model.errors import SentinelError
from ..model.validation import RULES
from . import curl, known_secrets, network, packages
from .aws_errors import Code, translate_aws_errors, translate_chain_errors, translate_settings_errors
from .curl import Http
from .response import parse
from .service import Keys, Parsers, Response, ResponseObserver, Service, ServiceClient
from .signed import SIGNED_SERVICES, SignedService

try:
    import botocore.session
    from botocore.config import Config
    from botocore.httpsession import get_cert_path
    from botocore.loaders import Loader
except ImportError:  # reported by `Aws`
    INSTALLED = False
else:
    INSTALLED = True

    class _Loader(Loader):
        """Lists the service models by directory name; botocore's own loader also looks into each directory: slow."""

        def list_available_services(self, _type_name: str) -> list[str]:
            return [folder.name for path in map(Path, self.search_paths) if path.is_dir() for folder in path.iterdir()]


DEFAULT_REGION = "us-east-1"
SESSION_SECONDS = 3600

_MFA = (
    "Cannot find AWS credentials: the profile {profile} requires an MFA code (mfa_serial), which cannot be entered "
    'during a run. Export session credentials first: eval "$(aws configure export-credentials --profile {profile} '
    '--format env)" prompts for the code. Or use a profile without mfa_serial.'
)

CODES = (Code("MalformedPolicyDocument PackedPolicyTooLarge", "bad_input"),)


class Identity(NamedTuple):
    """The caller identity of credentials: account id, partition and ARN (GetCallerIdentity)."""

    account_id: str
    partition: str
    arn: str = ""

    def is_session_of(self, role_arn: str) -> bool:
        """Return whether this is a session of that role. The ARN of a session does not contain the path of the role."""
        role = role_arn.rpartition("/")[2]
        return self.arn.startswith(f"arn:{self.partition}:sts::{role_arn.split(':')[4]}:assumed-role/{role}/")


class _NoObserver:
    """Ignores all responses."""

    def record(self, seconds: float, *, throttled: bool) -> None:
        pass


class Aws:
    """One set of source credentials and the clients that all accounts share. Bound to one event loop."""

    def __init__(self, source: AwsCredentials, observer: ResponseObserver | None = None) -> None:
        if not (INSTALLED and curl.INSTALLED):
            raise packages.missing_packages("use AWS")
        self._source = source
        self._observer = observer or _NoObserver()
        self._services: dict[tuple[str, str], Service] = {}
        self._creating = Lock()
        self._identity: asyncio.Future[Identity] | None = None
        self._bundle_file: IO[str] | None = None
        known_secrets.add(source.secret_key, source.session_token)
        sign_in.check_endpoint(source, os.environ.get("AWS_ENDPOINT_URL"))
        try:
            self._open()
        except BaseException:
            self._delete_bundle_file()
            raise

    def _open(self) -> None:
        self._session = self._new_session()
        self._session.register_component("response_parser_factory", Parsers())
        bundle = self._bundle()
        self._forbid_prompts()
        with translate_chain_errors():
            credentials = self._session.get_credentials()
        if credentials is None:
            raise SentinelError(
                "expired_credentials",
                "Cannot find AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, "
                "or another source of botocore's credential chain.",
            )
        self._source_credentials, self._last_keys = credentials, Keys("", "")
        _check_characters(self._source_keys())
        self._http = Http(bundle)

    def close(self) -> None:
        """Close every connection."""
        if self._identity:
            self._identity.cancel()
        self._http.close()
        self._delete_bundle_file()

    def _delete_bundle_file(self) -> None:
        if self._bundle_file:
            self._bundle_file.close()

    def _new_session(self) -> botocore.session.Session:
        with translate_chain_errors():
            session = botocore.session.Session(profile=self._source.profile)
            data_path = session.get_config_variable("data_path")
        if data_path is None:
            session.register_component("data_loader", _Loader())
        if self._source.access_key and self._source.secret_key:
            session.set_credentials(self._source.access_key, self._source.secret_key, self._source.session_token)
        return session

    def _forbid_prompts(self) -> None:
        """Raise bad_input where botocore would prompt for an MFA code: there is no terminal."""

        def refuse(_prompt: str) -> str:
            raise SentinelError("bad_input", _MFA.format(profile=self._session.profile or "default"))

        if not self._source.access_key:
            with translate_chain_errors():
                provider = self._session.get_component("credential_provider").get_provider("assume-role")
            provider._prompter = refuse  # noqa: SLF001 botocore has no option for it

    def _bundle(self) -> str | None:
        """Return the path of the CA bundle, None if certificates are not validated; set the same for botocore."""
        if not self._source.validate_certs:
            self._session.set_config_variable("ca_bundle", False)
            # urllib3 warns about every single request.
            warnings.filterwarnings("ignore", "Unverified HTTPS request")
            return None
        candidates = (
            (self._source.aws_ca_bundle, "aws_ca_bundle"),
            (self._setting("ca_bundle"), "AWS_CA_BUNDLE"),
            (os.environ.get("REQUESTS_CA_BUNDLE"), "REQUESTS_CA_BUNDLE"),
        )
        bundle, origin = next((candidate for candidate in candidates if candidate[0]), (None, ""))
        if not bundle:
            return get_cert_path(verify=True)
        path = self._as_bundle_file(network.check_bundle(bundle, origin))
        self._session.set_config_variable("ca_bundle", path)
        return path

    def _setting(self, name: str) -> Any:
        """Return a setting of botocore from the environment or the profile, None if it is not set."""
        with translate_chain_errors():
            return self._session.get_config_variable(name)

    def _as_bundle_file(self, path: str) -> str:
        """Return a file with the certificates of a directory: botocore does not read directories."""
        if not Path(path).is_dir():
            return path
        self._bundle_file = NamedTemporaryFile("w", prefix="trailbridge-", suffix=".pem", encoding="utf-8")  # noqa: SIM115
        self._bundle_file.write(network.join_certificates(path))
        self._bundle_file.flush()
        return self._bundle_file.name

    def service(self, name: str, region: str = "") -> Service:
        """Return a service by its name in botocore ("iam", "s3" …), in a Region, by default that of the settings."""
        if (name, region) not in self._services:
            with translate_settings_errors(f"find the endpoint of {name}", ValueError):
                self._services[name, region] = self._open_service(name, region)
        return self._services[name, region]

    def _open_service(self, name: str, region: str) -> Service:
        config = Config(
            parameter_validation=False,
            user_agent_extra="trailbridge.sentinel",
            connect_timeout=curl.AWS_CONNECT_TIMEOUT_SECONDS,
            read_timeout=curl.AWS_REQUEST_TIMEOUT_SECONDS,
            retries={"total_max_attempts": 1},
        )

        def create(keys: Keys | None = None) -> Any:
            # Sessions of botocore are not thread-safe.
            with self._creating:
                return self._session.create_client(
                    name,
                    region_name=region or self._source.region or self._setting("region") or DEFAULT_REGION,
                    endpoint_url=self._source.endpoint_url,
                    aws_access_key_id=keys.access_key if keys else None,
                    aws_secret_access_key=keys.secret_key if keys else None,
                    aws_session_token=keys.token if keys else None,
                    config=config,
                )

        if name in SIGNED_SERVICES:
            return SignedService(create(), self._http, self._observer)
        from .sdk import SdkService

        return SdkService(create(), create, self._observer)

    def _source_keys(self) -> Keys:
        """Return the current source credentials, renewed by botocore; the same object until they change."""
        with translate_chain_errors():
            found = self._source_credentials.get_frozen_credentials()
        keys = Keys(found.access_key or "", found.secret_key or "", found.token)
        if keys != self._last_keys:
            self._last_keys = keys
        return self._last_keys

    def with_source_credentials(self, service: str) -> ServiceClient:
        """Return a client of a service that uses the source credentials."""
        return self.service(service).client(self._source_keys())

    async def identity(self) -> Identity:
        """Return the caller identity of the source credentials, read once; raises expired_credentials and so on."""
        if self._identity is None:
            self._identity = asyncio.ensure_future(self._read_identity())
        return await asyncio.shield(self._identity)

    async def _read_identity(self) -> Identity:
        with translate_aws_errors("read the caller identity of the AWS credentials", CODES):
            return await caller_identity(self.with_source_credentials("sts"))

    async def assume_role_in(self, account_id: str, assume_role: AssumeRole, policy: Callable[[str], str]) -> Keys:
        """Return credentials in an account: of an assumed role, in the caller's own account the source credentials.

        With `assume_role.session_policy` the session is limited by `policy`, which returns it as JSON by the partition.
        Raises wrong_account, assume_denied and so on.
        """
        identity = await self.identity()
        if account_id == identity.account_id:
            return self._source_keys()
        if not assume_role.roles:
            raise SentinelError(
                "wrong_account",
                f"Cannot work on account {account_id}: the AWS credentials belong to account "
                f"{identity.account_id}, and assume_role is not set. Set it (sentinel_assume_role) to "
                "the name of a role in the account that these credentials may assume.",
            )
        arns = [_role_arn(account_id, role, identity.partition) for role in assume_role.roles]
        limit = policy(identity.partition) if assume_role.session_policy else None
        return await self._assume_first(arns, assume_role, limit)

    async def assume_administrator_role(self, assume_role: AssumeRole) -> Keys:
        """Return credentials in the management or delegated administrator account of the organization.

        Without `assume_role` these are the source credentials. A role is assumed even in the caller's own account, and
        without session policy, because that allows IAM calls only. Raises bad_input for a role name without ARN.
        """
        if not assume_role.roles:
            return self._source_keys()
        if name := next((role for role in assume_role.roles if not role.startswith("arn:")), None):
            raise SentinelError(
                "bad_input",
                f"Cannot use assume_role {name!r}: this is a role name without account. Give the ARN of a role in the "
                "management account or in a delegated administrator account.",
            )
        identity = await self.identity()
        if identity.is_session_of(assume_role.roles[0]):
            return self._source_keys()
        return await self._assume_first(list(assume_role.roles), assume_role, None)

    async def _assume_first(self, arns: list[str], assume_role: AssumeRole, policy: str | None) -> Keys:
        """Return credentials of the first role that can be assumed."""
        params = {"ExternalId": assume_role.external_id, "Policy": policy}
        optional = {name: value for name, value in params.items() if value}
        for arn in arns[:-1]:
            try:
                return await self._assume(arn, assume_role.session_name, optional)
            except SentinelError as error:
                if error.kind != "assume_denied":
                    raise
        return await self._assume(arns[-1], assume_role.session_name, optional)

    async def _assume(self, arn: str, session_name: str, optional: Mapping[str, str]) -> Keys:
        with translate_aws_errors(f"assume role {arn}", CODES, denied="assume_denied"):
            response = await self.with_source_credentials("sts")(
                "AssumeRole",
                RoleArn=arn,
                RoleSessionName=session_name,
                DurationSeconds=SESSION_SECONDS,
                **optional,
            )
            return parse(_parse_keys, response)


def _parse_keys(response: Response) -> Keys:
    keys = response["Credentials"]
    return Keys(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], assumed=True)


async def caller_identity(sts: ServiceClient) -> Identity:
    """Return the identity of the credentials of a client; raises the errors of the client, untranslated."""
    return parse(_parse_identity, await sts("GetCallerIdentity"))


def _parse_identity(response: Response) -> Identity:
    return Identity(response["Account"], response["Arn"].split(":")[1], response["Arn"])


def _role_arn(account_id: str, role: str, partition: str) -> str:
    arn = role if role.startswith("arn:") else f"arn:{partition}:iam::{account_id}:role/{role}"
    if arn.split(":")[4] != account_id:
        raise SentinelError("wrong_account", f"Cannot assume role {arn} in account {account_id}: other account in ARN.")
    return arn


def _check_characters(keys: Keys) -> None:
    """Raise expired_credentials for characters that no key has, such as a line ending of another system."""
    if any(not RULES["secret_key"].holds(key) for key in (keys.access_key, keys.secret_key, keys.token) if key):
        raise SentinelError(
            "expired_credentials",
            "Cannot use the AWS credentials: one of them contains a space, a line ending or a control character.",
        )
