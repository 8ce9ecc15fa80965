# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS STS: base credentials, assumed roles, the clients that all accounts share."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, NamedTuple

from ..model.credentials import sign_in
from ..model.credentials.credentials import AssumeRole, AwsCredentials
from ..model.errors import ChangedError, NotYetError, SentinelError, cannot
from ..model.role.session_policy import SessionScope, session_policy
from ..model.validation import RULES
from . import curl, network
from .curl import Http, LostError
from .service import THROTTLED, Caller, Keys, Observer, Service

try:
    import botocore.session
    from botocore import exceptions
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        SSOError,
        TokenRetrievalError,
    )
    from botocore.httpsession import get_cert_path
    from botocore.loaders import Loader
    from botocore.parsers import ResponseParserError
except ImportError:  # `Aws` says so in one sentence
    INSTALLED = False
else:
    INSTALLED = True
    # Of `aws login`, which old releases do not know.
    _SIGNED_OUT = (SSOError, TokenRetrievalError, getattr(exceptions, "LoginError", SSOError))
    _UNREACHED = (exceptions.ConnectionError, HTTPClientError)

    class _Loader(Loader):
        """Descriptions of services, found by the names of their folders: looking into each takes longer than the rest.

        Which ones botocore needs to find credentials (sso, sso-oidc, signin) is its own business.
        """

        def list_available_services(self, _type_name: str) -> list[str]:
            return [folder.name for path in map(Path, self.search_paths) if path.is_dir() for folder in path.iterdir()]


REGION = "us-east-1"
SESSION_SECONDS = 3600

_FIND = "find AWS credentials"
_SIGN_IN_AGAIN = "Sign in again with this profile: aws sso login, or aws login."
_RUN_PROCESS = "Run the command of credential_process by hand: its output is what is missing."
_CHECK_FILES = (
    "Check the name of the profile (profile, AWS_PROFILE) and what ~/.aws/config and ~/.aws/credentials contain for it."
)
_MFA = (
    "Cannot find AWS credentials: the profile {profile} requires the code of an MFA device (mfa_serial), and nobody "
    'can enter one here. Put session keys into the environment before, by eval "$(aws configure export-credentials '
    '--profile {profile} --format env)", which asks for the code; or use a profile without mfa_serial.'
)

# Phrases of AWS by which an access denial names its reason ("Troubleshoot access denied error messages", IAM).
_DENIALS = (
    ("service control policy", "scp_denied"),
    ("permissions boundary", "boundary_denied"),
)
_KINDS = {
    "ExpiredToken": "expired_credentials",
    "ExpiredTokenException": "expired_credentials",
    "InvalidClientTokenId": "expired_credentials",
    "UnrecognizedClientException": "expired_credentials",
    "AWSOrganizationsNotInUseException": "wrong_account",
    "LimitExceeded": "quota",
    "LimitExceededException": "quota",
    "EntityAlreadyExists": "role_conflict",
    "DeleteConflict": "role_conflict",
    "MalformedPolicyDocument": "bad_input",
    "PolicyNotAttachable": "bad_input",
    "UnmodifiableEntity": "role_conflict",
    "NameAlreadyExistsException": "stackset_conflict",
    "InvalidOperationException": "bad_input",
    "InvalidInput": "bad_input",
    "ValidationError": "bad_input",
    "RequestExpired": "clock_skew",
    "RequestTimeTooSkewed": "clock_skew",
}
_FLOW: dict[str, type[SentinelError]] = {
    "ConcurrentModification": NotYetError,
    "EntityTemporarilyUnmodifiable": NotYetError,
    "EntityAlreadyExists": ChangedError,
    "DeleteConflict": ChangedError,
    "NoSuchEntity": ChangedError,
    "NameAlreadyExistsException": ChangedError,
    "OperationInProgressException": NotYetError,
    "OperationIdAlreadyExistsException": ChangedError,
    "StackSetNotEmptyException": NotYetError,
    "StackSetNotFoundException": ChangedError,
    "StaleRequestException": ChangedError,
}


class Identity(NamedTuple):
    """Whose credentials these are: account id, partition and ARN, as STS reports them."""

    account_id: str
    partition: str
    arn: str = ""

    def is_session_of(self, role_arn: str) -> bool:
        """Whether they are already those of a session of that role; the ARN of a session has no path."""
        role = role_arn.rpartition("/")[2]
        return self.arn.startswith(f"arn:{self.partition}:sts::{role_arn.split(':')[4]}:assumed-role/{role}/")


class _Unobserved:
    """Nobody who wants to know how the services are doing."""

    def answered(self, seconds: float, *, throttled: bool) -> None:
        pass


class Aws:
    """One set of base credentials, with one client for all accounts. To be made, used and closed on one event loop."""

    def __init__(self, base: AwsCredentials, observer: Observer | None = None) -> None:
        if not (INSTALLED and curl.INSTALLED):
            raise SentinelError(
                "bad_input", "Cannot talk to AWS: the Python packages boto3 and pycurl are not both installed."
            )
        self._base = base
        self._observer = observer or _Unobserved()
        self._services: dict[str, Service] = {}
        self._identity: asyncio.Future[Identity] | None = None
        self._joined: IO[str] | None = None
        sign_in.check_endpoint(base, os.environ.get("AWS_ENDPOINT_URL"))
        try:
            with _finding_credentials():
                self._open()
        except BaseException:
            self._forget_joined()
            raise

    def _open(self) -> None:
        self._session = self._new_session()
        bundle = self._bundle()
        self._forbid_prompts()
        own = self._session.get_credentials()
        if own is None:
            raise SentinelError(
                "expired_credentials",
                "Cannot find AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, "
                "or another source of botocore's credential chain.",
            )
        self._own, self._known = own, Keys("", "")
        _check_letters(self._keys())
        self._http = Http(bundle)

    def close(self) -> None:
        """Close every connection."""
        if self._identity:
            self._identity.cancel()
        self._http.close()
        self._forget_joined()

    def _forget_joined(self) -> None:
        if self._joined:
            self._joined.close()

    def _new_session(self) -> botocore.session.Session:
        session = botocore.session.Session(profile=self._base.profile)
        if session.get_config_variable("data_path") is None:
            session.register_component("data_loader", _Loader())
        if self._base.access_key and self._base.secret_key:
            session.set_credentials(self._base.access_key, self._base.secret_key, self._base.session_token)
        return session

    def _forbid_prompts(self) -> None:
        """Have botocore ask nobody for the code of an MFA device: there is no terminal."""

        def refuse(_prompt: str) -> str:
            raise SentinelError("bad_input", _MFA.format(profile=self._session.profile or "default"))

        if not self._base.access_key:
            provider = self._session.get_component("credential_provider").get_provider("assume-role")
            provider._prompter = refuse  # noqa: SLF001 botocore has no option for it

    def _bundle(self) -> str | None:
        """Return the file of certificates to trust, None for any; what botocore sends by itself trusts the same."""
        if not self._base.validate_certs:
            self._session.set_config_variable("ca_bundle", False)
            # urllib3 would say so for every single request.
            warnings.filterwarnings("ignore", "Unverified HTTPS request")
            return None
        places = (
            (self._base.aws_ca_bundle, "aws_ca_bundle"),
            (self._session.get_config_variable("ca_bundle"), "AWS_CA_BUNDLE"),
            (os.environ.get("REQUESTS_CA_BUNDLE"), "REQUESTS_CA_BUNDLE"),
        )
        given, source = next((place for place in places if place[0]), (None, ""))
        if not given:
            return get_cert_path(verify=True)
        path = self._as_file(network.certificates(given, source))
        self._session.set_config_variable("ca_bundle", path)
        return path

    def _as_file(self, path: str) -> str:
        """Return a file with the certificates of a folder: botocore reads no folders."""
        if not Path(path).is_dir():
            return path
        self._joined = NamedTemporaryFile("w", prefix="trailbridge-", suffix=".pem", encoding="utf-8")  # noqa: SIM115
        self._joined.write(network.joined(path))
        self._joined.flush()
        return self._joined.name

    def service(self, name: str) -> Service:
        """Return a service by botocore's name for it."""
        if name not in self._services:
            region = self._base.region or self._session.get_config_variable("region") or REGION
            config = Config(parameter_validation=False, user_agent_extra="trailbridge.sentinel")
            with explained(f"find the endpoint of {name}"):
                client = self._session.create_client(
                    name, region_name=region, endpoint_url=self._base.endpoint_url, config=config
                )
                self._services[name] = Service(client, self._http, self._observer)
        return self._services[name]

    def _keys(self) -> Keys:
        """Return the base keys, which botocore renews when it is time; the same ones as long as they are good."""
        with _finding_credentials():
            found = self._own.get_frozen_credentials()
        keys = Keys(found.access_key or "", found.secret_key or "", found.token)
        if keys != self._known:
            self._known = keys
        return self._known

    def own(self, service: str) -> Caller:
        """Return a service to be called with the base credentials."""
        return self.service(service).of(self._keys())

    async def identity(self) -> Identity:
        """Ask STS once whose the base credentials are; raises expired_credentials and the like."""
        if self._identity is None:
            self._identity = asyncio.ensure_future(self._ask_identity())
        return await asyncio.shield(self._identity)

    async def _ask_identity(self) -> Identity:
        with explained("find out whose the AWS credentials are"):
            answer = await self.own("sts")("GetCallerIdentity")
            return Identity(answer["Account"], answer["Arn"].split(":")[1], answer["Arn"])

    async def enter(self, account_id: str, assume_role: AssumeRole, role_name: str | None, work: SessionScope) -> Keys:
        """Return keys of an account: those of a role that was assumed, in the caller's own account the base ones.

        They are good for `work` on that role (None: for looking at all roles), and for nothing else if the entry says
        so. Raises wrong_account, assume_denied and so on.
        """
        if account_id == (await self.identity()).account_id:
            return self._keys()
        if not assume_role.roles:
            raise SentinelError(
                "wrong_account",
                f"Cannot work on account {account_id}: the AWS credentials belong to account "
                f"{(await self.identity()).account_id} and no role to assume is given (assume_role).",
            )
        partition = (await self.identity()).partition
        arns = [_role_arn(account_id, role, partition) for role in assume_role.roles]
        policy = session_policy(partition, account_id, role_name, work) if assume_role.session_policy else None
        return await self._assume_first(arns, assume_role, policy)

    async def administer(self, assume_role: AssumeRole) -> Keys:
        """Return keys of the account that manages the organization: the caller's own, or those of a role's ARN.

        The role is assumed in the caller's own account as well. The session policy of other sessions is not used: it
        allows nothing but work on roles.
        """
        if not assume_role.roles:
            return self._keys()
        if name := next((role for role in assume_role.roles if not role.startswith("arn:")), None):
            raise SentinelError(
                "bad_input",
                f"Cannot use assume_role {name!r}: a name does not tell the account, give the ARN of a role in the "
                "management account or a delegated administrator.",
            )
        identity = await self.identity()
        if identity.is_session_of(assume_role.roles[0]):
            return self._keys()
        return await self._assume_first(list(assume_role.roles), assume_role, None)

    async def _assume_first(self, arns: list[str], assume_role: AssumeRole, policy: str | None) -> Keys:
        """Return keys of the first role that can be assumed."""
        given = {"ExternalId": assume_role.external_id, "Policy": policy}
        more = {name: value for name, value in given.items() if value}
        for arn in arns[:-1]:
            try:
                return await self._assume(arn, assume_role.session_name, more)
            except SentinelError as error:
                if error.kind != "assume_denied":
                    raise
        return await self._assume(arns[-1], assume_role.session_name, more)

    async def _assume(self, arn: str, session_name: str, more: Mapping[str, str]) -> Keys:
        with explained(f"assume role {arn}", denied="assume_denied"):
            answer = await self.own("sts")(
                "AssumeRole",
                RoleArn=arn,
                RoleSessionName=session_name,
                DurationSeconds=SESSION_SECONDS,
                **more,
            )
            found = answer["Credentials"]
            return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], assumed=True)


def _role_arn(account_id: str, role: str, partition: str) -> str:
    arn = role if role.startswith("arn:") else f"arn:{partition}:iam::{account_id}:role/{role}"
    if arn.split(":")[4] != account_id:
        raise SentinelError("wrong_account", f"Cannot assume {arn} for account {account_id}: it is of another one.")
    return arn


def _check_letters(keys: Keys) -> None:
    """Raise expired_credentials for a line end and the like, which files of other systems bring along."""
    if any(not RULES["secret_key"].holds(key) for key in (keys.access_key, keys.secret_key, keys.token) if key):
        raise SentinelError(
            "expired_credentials",
            "Cannot use the AWS credentials: one of them holds a space, a line end or another control character.",
        )


@contextmanager
def explained(what: str, denied: str = "aws_denied", expired: str = "expired_credentials") -> Iterator[None]:
    """Turn errors of botocore into ours: "Cannot <what>: <cause>", with the class that the cause has.

    `denied` and `expired` are the classes for access that is denied and credentials that are not good any more.
    """
    try:
        yield
    except ClientError as error:
        instead = {"aws_denied": denied, "expired_credentials": expired}
        raise _from_answer(error, what, instead) from error
    except ResponseParserError as error:
        raise cannot("transient", what, "the answer cannot be read") from error
    except LostError as error:
        raise network.refused(error.fault, what) if error.fault else cannot("transient", what, str(error)) from error
    except KeyError as error:
        raise cannot("transient", what, f"the answer has no {error}") from error
    except (AttributeError, IndexError, TypeError) as error:
        raise cannot("transient", what, "the answer is not as documented") from error
    except (BotoCoreError, ValueError) as error:
        raise _from_botocore(error, what) from error


@contextmanager
def _finding_credentials() -> Iterator[None]:
    """Turn errors of botocore's credential chain into ours: it reads files and runs programs of this machine."""
    with explained(_FIND, denied="assume_denied"):
        try:
            yield
        except BotoCoreError:
            raise  # Some of them are an OSError as well.
        except (OSError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise cannot("bad_input", _FIND, str(error) or type(error).__name__, advice=_CHECK_FILES) from error


def _from_botocore(error: Exception, what: str) -> SentinelError:
    """Return what is wrong where no answer of a service is: with the connection, the credentials, or the settings."""
    if isinstance(error, _UNREACHED):
        fault = network.fault_of(error)
        return network.refused(fault, what) if fault else cannot("transient", what, str(error))
    if isinstance(error, _SIGNED_OUT):
        return cannot("expired_credentials", what, str(error), advice=_SIGN_IN_AGAIN)
    if isinstance(error, CredentialRetrievalError):
        process = error.kwargs.get("provider") == "custom-process"
        return cannot("expired_credentials", what, str(error), advice=_RUN_PROCESS if process else None)
    if isinstance(error, NoCredentialsError):
        return cannot("expired_credentials", what, str(error))
    return cannot("bad_input", what, str(error), advice=_CHECK_FILES if what == _FIND else None)


def _from_answer(error: ClientError, what: str, instead: Mapping[str, str]) -> SentinelError:
    details = error.response.get("Error") or {}
    code = details.get("Code") or "no code"
    # After a wrong signature AWS goes on with what it calculated itself, the session token included.
    text = next(iter((details.get("Message") or code).strip().splitlines()), code)
    cause = f"{text.rstrip('.')} ({code})"
    if code == "MalformedPolicyDocument" and "invalid principal" in text.lower():
        # A principal that was just made may not be known everywhere yet. One that is never known is Microsoft's own
        # account: ids of the wrong form or partition are refused before.
        return cannot("transient", what, cause, NotYetError)
    if code == "NoSuchEntity" and "not attachable" in text:
        return cannot("bad_input", what, cause)
    kind = _kind(code, text)
    return cannot(instead.get(kind, kind), what, cause, _FLOW.get(code, SentinelError))


def _kind(code: str, text: str) -> str:
    if code in ("SignatureDoesNotMatch", "InvalidSignatureException"):
        return "clock_skew" if "not yet current" in text or "expired" in text.lower() else "expired_credentials"
    if code in ("AccessDenied", "AccessDeniedException"):
        return next((kind for phrase, kind in _DENIALS if phrase in text), "aws_denied")
    if code in THROTTLED:
        return "throttled"
    return _KINDS.get(code, "transient")
