# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to AWS STS: base credentials, assumed roles, the clients that all accounts share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, NamedTuple

from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.access import AwsCredentials, Entry
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.errors import (
    ChangedError,
    NotYetError,
    SentinelError,
    cannot,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils.model.value import RULES

try:
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import Credentials
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        TokenRetrievalError,
    )
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.parsers import ResponseParserError
except ImportError:  # `Aws` says so in one sentence
    INSTALLED = False
else:
    INSTALLED = True
    _NO_CREDENTIALS = (
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        TokenRetrievalError,
    )

REGION = "us-east-1"
SESSION_SECONDS = 3600
ATTEMPTS = 6
CONNECT_SECONDS, READ_SECONDS = 10, 30

_account: ContextVar[Credentials] = ContextVar("account credentials")

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
    "LimitExceeded": "quota",
    "LimitExceededException": "quota",
    "EntityAlreadyExists": "role_conflict",
    "DeleteConflict": "role_conflict",
    "MalformedPolicyDocument": "bad_input",
    "PolicyNotAttachable": "bad_input",
    "UnmodifiableEntity": "role_conflict",
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
}
_THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}


class Identity(NamedTuple):
    """Whose credentials these are: account id, partition and ARN, as STS says."""

    account_id: str
    partition: str
    arn: str


class _CurrentAccount:
    """Credentials, and their provider, for botocore: always those of the account that this thread works on."""

    method = "trailbridge.sentinel"

    def load_credentials(self) -> _CurrentAccount:
        return self

    def get_frozen_credentials(self) -> Any:
        return _account.get().get_frozen_credentials()

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        def of_this_account() -> Any:
            return _account.get().get_deferred_property(name)()

        return of_this_account


class Aws:
    """One set of base credentials, with one STS and one IAM client for all accounts. Safe for threads."""

    def __init__(self, base: AwsCredentials, connections: int = 10) -> None:
        if not INSTALLED:
            raise SentinelError("bad_input", "Cannot talk to AWS: the Python package boto3 is not installed.")
        self._base = base
        self._connections = connections
        self._lock = threading.Lock()
        with explained("find AWS credentials"):
            self._session = self._new_session()
            self._own = self._session.get_credentials()
            if self._own is None:
                raise SentinelError(
                    "expired_credentials",
                    "Cannot find AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, "
                    "or another source of botocore's credential chain.",
                )
            _check_letters(self._own)
            self._sts = self._client(self._session, "sts")
            self.iam = self._client(self._shared_session(), "iam")

    def _new_session(self) -> botocore.session.Session:
        session = botocore.session.Session(profile=self._base.profile)
        if self._base.access_key and self._base.secret_key:
            session.set_credentials(self._base.access_key, self._base.secret_key, self._base.session_token)
        return session

    def _shared_session(self) -> botocore.session.Session:
        session = botocore.session.Session(profile=self._base.profile)
        session.register_component("credential_provider", _CurrentAccount())
        return session

    def _client(self, session: botocore.session.Session, service: str) -> Any:
        region = self._base.region or session.get_config_variable("region") or REGION
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=self._connections,
            # The mode "standard" shares a budget of retries among all calls of a client, here: among all accounts.
            retries={"mode": "legacy", "total_max_attempts": ATTEMPTS},
            user_agent_extra="trailbridge.sentinel",
        )
        verify = self._base.aws_ca_bundle if self._base.validate_certs else False
        return session.create_client(
            service, region_name=region, endpoint_url=self._base.endpoint_url, verify=verify, config=config
        )

    @cached_property
    def _identity(self) -> Identity:
        with explained("find out whose the AWS credentials are"):
            answer = self._sts.get_caller_identity()
        return Identity(answer["Account"], answer["Arn"].split(":")[1], answer["Arn"])

    @property
    def identity(self) -> Identity:
        """Ask STS once whose the base credentials are; raises expired_credentials and the like."""
        with self._lock:
            return self._identity

    @contextmanager
    def enter(self, account_id: str, entry: Entry) -> Iterator[None]:
        """Work on one account inside of this context: the IAM client signs with credentials of that account.

        The caller's own account is worked on with the base credentials. Raises wrong_account, assume_denied and so on.
        """
        token = _account.set(self._credentials(account_id, entry))
        try:
            yield
        finally:
            _account.reset(token)

    def _credentials(self, account_id: str, entry: Entry) -> Any:
        if account_id == self.identity.account_id:
            return self._own
        if not entry.roles:
            raise SentinelError(
                "wrong_account",
                f"Cannot work on account {account_id}: the AWS credentials belong to account "
                f"{self.identity.account_id} and no role to assume is given (assume_role).",
            )
        return self._first(account_id, entry)

    def _first(self, account_id: str, entry: Entry) -> Credentials:
        arns = [self._role_arn(account_id, role) for role in entry.roles]
        for arn in arns[:-1]:
            try:
                return self._assume(account_id, arn, entry)
            except SentinelError as error:
                if error.kind != "assume_denied":
                    raise
        return self._assume(account_id, arns[-1], entry)

    def _role_arn(self, account_id: str, role: str) -> str:
        arn = role if role.startswith("arn:") else f"arn:{self.identity.partition}:iam::{account_id}:role/{role}"
        if arn.split(":")[4] != account_id:
            raise SentinelError("wrong_account", f"Cannot assume {arn} for account {account_id}: it is of another one.")
        return arn

    def _assume(self, account_id: str, arn: str, entry: Entry) -> Credentials:
        external = {"ExternalId": entry.external_id} if entry.external_id else {}
        with explained(f"assume role {arn}", denied="assume_denied"):
            answer = self._sts.assume_role(
                RoleArn=arn, RoleSessionName=entry.session_name, DurationSeconds=SESSION_SECONDS, **external
            )["Credentials"]
        return Credentials(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"], "assume-role", account_id
        )


def _check_letters(own: Any) -> None:
    """Raise expired_credentials for a line end and the like, which files of other systems bring along."""
    keys = own.get_frozen_credentials()
    if any(not RULES["secret_key"].holds(key) for key in (keys.access_key, keys.secret_key, keys.token) if key):
        raise SentinelError(
            "expired_credentials",
            "Cannot use the AWS credentials: one of them holds a space, a line end or another control character.",
        )


@contextmanager
def explained(what: str, denied: str = "aws_denied") -> Iterator[None]:
    """Turn errors of botocore into ours: "Cannot <what>: <cause>", with the class that the cause has."""
    try:
        yield
    except ClientError as error:
        raise _from_answer(error, what, denied) from error
    except ResponseParserError as error:
        raise cannot("transient", what, "the answer cannot be read") from error
    except BotoConnectionError as error:
        raise cannot("transient", what, str(error)) from error
    except HTTPClientError as error:
        # Its text can hold a header, and so a token.
        raise cannot("transient", what, "the request could not be sent") from error
    except _NO_CREDENTIALS as error:
        raise cannot("expired_credentials", what, str(error)) from error
    except (BotoCoreError, ValueError) as error:
        raise cannot("bad_input", what, str(error)) from error


def _from_answer(error: ClientError, what: str, denied: str) -> SentinelError:
    code = error.response.get("Error", {}).get("Code", "")
    text = error.response.get("Error", {}).get("Message", "") or code
    cause = f"{text.rstrip('.')} ({code})"
    if code == "MalformedPolicyDocument" and "invalid principal" in text.lower():
        return cannot("transient", what, cause, NotYetError)
    if code == "NoSuchEntity" and "not attachable" in text:
        return cannot("bad_input", what, cause)
    return cannot(_kind(code, text, denied), what, cause, _FLOW.get(code, SentinelError))


def _kind(code: str, text: str, denied: str) -> str:
    if code in ("SignatureDoesNotMatch", "InvalidSignatureException"):
        return "clock_skew" if "not yet current" in text or "expired" in text.lower() else "expired_credentials"
    if code in ("AccessDenied", "AccessDeniedException"):
        return next((kind for phrase, kind in _DENIALS if phrase in text), denied)
    if code in _THROTTLED:
        return "throttled"
    return _KINDS.get(code, "transient")
