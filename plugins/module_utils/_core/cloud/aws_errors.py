# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of AWS: from the codes of responses and the exceptions of botocore to the errors of this collection.

The codes of one service are a table in the file of its adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from ..model.errors import ChangedError, SentinelError, cannot
from . import network
from .network import RequestLostError
from .response import MalformedResponseError
from .service import THROTTLING, UnconfirmedError

try:
    from botocore import exceptions
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        SSOError,
        TokenRetrievalError,
    )
except ImportError:  # reported by `cloud.aws.Aws`
    pass
else:
    # LoginError belongs to `aws login`; old releases of botocore do not have it.
    _SIGN_IN_ERRORS = (SSOError, TokenRetrievalError, getattr(exceptions, "LoginError", SSOError))
    _CONNECTION_ERRORS = (exceptions.ConnectionError, HTTPClientError)
    _AWS_ERRORS = (BotoCoreError, ClientError, RequestLostError, UnconfirmedError, MalformedResponseError)

_FIND_CREDENTIALS = "find AWS credentials"
_SIGN_IN_AGAIN = "Sign in again with this profile: aws sso login, or aws login."
_RUN_PROCESS = "Run the command of credential_process on the command line and check its output."
_CHECK_FILES = (
    "Check the profile name (profile, AWS_PROFILE) and the settings of the profile in ~/.aws/config and "
    "~/.aws/credentials."
)


class Code(NamedTuple):
    """Error codes of a service, separated by spaces, and what they mean.

    `kind` is the class of the error, `error` its type; `phrase` is a lower-case phrase that the message contains.
    """

    names: str
    kind: str
    error: type[SentinelError] = SentinelError
    phrase: str = ""


_DENIED = "AccessDenied AccessDeniedException"
_SIGNATURE = "SignatureDoesNotMatch InvalidSignatureException"
COMMON_CODES = (
    # Phrases that name the reason of a denial ("Troubleshoot access denied error messages", IAM User Guide).
    Code(_DENIED, "scp_denied", phrase="service control policy"),
    Code(_DENIED, "boundary_denied", phrase="permissions boundary"),
    Code(_DENIED, "aws_denied"),
    Code(_SIGNATURE, "clock_skew", phrase="not yet current"),
    Code(_SIGNATURE, "clock_skew", phrase="expired"),
    Code(_SIGNATURE, "expired_credentials"),
    Code("ExpiredToken ExpiredTokenException", "expired_credentials"),
    Code("InvalidClientTokenId UnrecognizedClientException", "expired_credentials"),
    Code("RequestExpired RequestTimeTooSkewed", "clock_skew"),
    Code("ValidationError", "bad_input"),
    Code(THROTTLING, "throttled"),
)
"""The codes that several services have."""


@contextmanager
def translate_aws_errors(
    action: str, codes: Iterable[Code] = (), *, denied: str = "aws_denied", expired: str = "expired_credentials"
) -> Iterator[None]:
    """Raise SentinelError, "Cannot <action>: <cause>", for errors of calls and of `parse`, and no others.

    Of the `codes` of the service, then of COMMON_CODES, the first one that fits decides; others are transient.
    `denied` and `expired` replace the error classes aws_denied and expired_credentials. ChangedError is raised for a
    write that AWS may have made: only a new read shows it.
    """
    try:
        yield
    except _AWS_ERRORS as error:
        cause = error.__cause__ if isinstance(error, UnconfirmedError) and error.__cause__ else error
        translated = _translated(cause, action, codes, {"aws_denied": denied, "expired_credentials": expired})
        if isinstance(error, UnconfirmedError):
            raise ChangedError(translated.kind, str(translated)) from cause
        raise translated from error


def code_of(error: SentinelError) -> str:
    """Return the error code of the response that an error comes from, empty where there was none."""
    cause = error.__cause__
    return str((cause.response.get("Error") or {}).get("Code", "")) if isinstance(cause, ClientError) else ""


@contextmanager
def translate_settings_errors(action: str, *raised: type[Exception], advice: str = "") -> Iterator[None]:
    """Raise SentinelError for errors of botocore with settings, for some of which it has no class of its own.

    Those are `raised`, so the block must be calls of botocore and nothing else.
    """
    with translate_aws_errors(action, denied="assume_denied"):
        try:
            yield
        except BotoCoreError:
            raise  # some of them are a ValueError or an OSError as well
        except raised as error:
            raise cannot("bad_input", action, str(error) or type(error).__name__, advice=advice or None) from error


def translate_chain_errors() -> AbstractContextManager[None]:
    """Raise SentinelError for errors of botocore's credential chain, which reads local files and runs programs."""
    raised = (OSError, AttributeError, LookupError, TypeError, ValueError)
    return translate_settings_errors(_FIND_CREDENTIALS, *raised, advice=_CHECK_FILES)


def _translated(error: BaseException, action: str, codes: Iterable[Code], kinds: dict[str, str]) -> SentinelError:
    if isinstance(error, ClientError):
        return _from_response(error, action, codes, kinds)
    if isinstance(error, BotoCoreError):
        return _from_botocore(error, action)
    fault = (error.fault if isinstance(error, RequestLostError) else None) or network.find_unreachable(error)
    return network.connection_error(fault, action) if fault else cannot("transient", action, str(error))


def _from_botocore(error: BotoCoreError, action: str) -> SentinelError:
    """Return the error for a failure before any response: connection, credentials or settings."""
    if isinstance(error, _CONNECTION_ERRORS):
        return _translated(RequestLostError(str(error), network.find_fault(error)), action, (), {})
    if isinstance(error, _SIGN_IN_ERRORS):
        return cannot("expired_credentials", action, str(error), advice=_SIGN_IN_AGAIN)
    if isinstance(error, CredentialRetrievalError):
        process = error.kwargs.get("provider") == "custom-process"
        return cannot("expired_credentials", action, str(error), advice=_RUN_PROCESS if process else None)
    if isinstance(error, exceptions.ProfileNotFound):
        return cannot("profile_not_found", action, str(error))
    if isinstance(error, NoCredentialsError):
        return cannot("expired_credentials", action, str(error))
    return cannot("bad_input", action, str(error), advice=_CHECK_FILES if action == _FIND_CREDENTIALS else None)


def _from_response(error: ClientError, action: str, codes: Iterable[Code], kinds: dict[str, str]) -> SentinelError:
    details = error.response.get("Error") or {}
    code = details.get("Code") or "no code"
    # For a wrong signature, further lines contain the canonical request of AWS, including the session token.
    text = next(iter((details.get("Message") or code).strip().splitlines()), code)
    rows = (row for row in (*codes, *COMMON_CODES) if code in row.names.split() and row.phrase in text.lower())
    found = next(rows, Code(code, "transient"))
    return cannot(kinds.get(found.kind, found.kind), action, f"{text.rstrip('.')} ({code})", found.error)
