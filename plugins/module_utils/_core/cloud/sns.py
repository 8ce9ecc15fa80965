# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that talks to Amazon SNS: reads the subscriptions of a topic and makes the calls of a plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..model.errors import ChangedError, NotFoundError, NotYetError, SentinelError, cannot
from ..model.plan import Call
from ..model.s3 import subscription as model
from ..model.s3.source import S3SourceSpec
from ..model.s3.subscription import PROTOCOL, Subscription
from .aws_errors import Code, code_of, translate_aws_errors
from .response import parse
from .service import Response, ServiceClient, Writer

_DENIED = "AuthorizationError"
# Where ListSubscriptionsByTopic has the ARN of a subscription that is not confirmed.
_PENDING = "PendingConfirmation"
_DELETED = "Deleted"
CODES = (
    Code("NotFound NotFoundException", "bad_input", NotFoundError),
    # The identity policy lacks an action, or the policy of the topic does not admit the account.
    Code(_DENIED, "scp_denied", phrase="service control policy"),
    Code(_DENIED, "boundary_denied", phrase="permissions boundary"),
    Code(_DENIED, "aws_denied"),
    # Someone else subscribed the queue since it was read.
    Code("InvalidParameter", "bad_input", ChangedError, phrase="already exists with different attributes"),
    Code("InvalidParameter InvalidParameterException", "bad_input"),
    Code("SubscriptionLimitExceeded TopicLimitExceeded", "quota"),
    Code("ConcurrentAccess", "transient", NotYetError),
)


class SubscriptionAdapter:
    """The subscription of the queue of an S3 source to its topic.

    `sns` has credentials in the account of the queue and is in the Region of the topic; the calls of a plan are made by
    the client that `write` returns, by default by the same one. With `writes` false, `apply` raises RuntimeError. With
    `removing`, a topic that does not exist has no subscription.
    """

    def __init__(
        self,
        sns: ServiceClient,
        spec: S3SourceSpec,
        *,
        writes: bool,
        removing: bool = False,
        write: Writer | None = None,
    ) -> None:
        self._sns = sns
        self._spec = spec
        self._writes = writes
        self._removing = removing
        self._write = write

    async def read(self) -> Subscription | None:
        """Return the subscription, None if the queue has none; raises SentinelError."""
        listed = await subscriptions(self._sns, self._spec, removing=self._removing)
        found = [one for one in listed if one.queue_arn == self._spec.queue_arn]
        # The list may still have one that was never confirmed beside the one that was.
        chosen = min(found, key=lambda one: one.is_pending, default=None)
        if chosen is None or chosen.is_pending or chosen.owner != self._spec.account_id:
            return chosen
        try:
            with self._translate_errors("read"):
                return parse(_parse, await self._sns("GetSubscriptionAttributes", SubscriptionArn=chosen.arn))
        except NotFoundError:
            return None

    async def refresh(self, _have: Subscription | None, _calls: Sequence[Call]) -> Subscription | None:
        """Read the subscription again."""
        return await self.read()

    async def apply(self, call: Call) -> None:
        """Make one call of a plan. Raises ChangedError or NotYetError where another try can succeed."""
        if not self._writes:
            raise RuntimeError(f"{call.name} in check mode")
        sns = await self._write(call) if self._write else self._sns
        with self._translate_errors(f"call {call.name} for"):
            response = await sns(call.name, **call.args)
            if call.name == "Subscribe" and not parse(_parse_arn, response).startswith("arn:"):
                cause = f"it has to be confirmed by the owner of queue {self._spec.queue_arn}"
                raise cannot("transient", f"create {self._name}", cause, NotYetError)

    @property
    def _name(self) -> str:
        return f"the subscription of queue {self._spec.queue_name} to topic {self._spec.topic_arn}"

    def _translate_errors(self, action: str) -> Any:
        return _translate_errors(f"{action} {self._name}", self._spec, self._sns)


async def subscriptions(sns: ServiceClient, spec: S3SourceSpec, *, removing: bool = False) -> list[Subscription]:
    """Return the subscriptions of queues to the topic of a source, without their settings; raises SentinelError.

    With `removing`, a topic that does not exist has none.
    """
    try:
        with _translate_errors(f"read topic {spec.topic_arn}", spec, sns):
            found = await sns.pages(
                "ListSubscriptionsByTopic",
                "Subscriptions",
                cursor="NextToken",
                absent_if_empty=True,
                TopicArn=spec.topic_arn,
            )
            return list(parse(_parse_listed, found))
    except NotFoundError as error:
        if removing:
            return []
        raise cannot("bad_input", f"use topic {spec.topic_arn}", "it does not exist") from error


@contextmanager
def _translate_errors(action: str, spec: S3SourceSpec, sns: ServiceClient) -> Iterator[None]:
    """Raise SentinelError; for a topic of another account that denies the request with what its owner has to add."""
    try:
        with translate_aws_errors(action, CODES, expired=sns.expired):
            yield
    except SentinelError as error:
        if error.kind != "aws_denied" or code_of(error) != _DENIED or spec.topic_account_id == spec.account_id:
            raise
        raise model.not_allowed(spec, _reason(error)) from error


def _reason(error: SentinelError) -> str:
    """Return the message of SNS about a denied request."""
    details: Any = getattr(error.__cause__, "response", {}).get("Error", {})
    return str(details.get("Message", ""))


# --- parse functions ---


def _parse_listed(found: Iterable[Response]) -> Iterator[Subscription]:
    for one in found:
        arn = one["SubscriptionArn"]
        if one["Protocol"] == PROTOCOL and arn != _DELETED:
            pending = arn == _PENDING
            topic, queue, owner = one["TopicArn"], one["Endpoint"], one["Owner"]
            yield Subscription(topic, queue, "" if pending else arn, owner, is_pending=pending)


def _parse(response: Response) -> Subscription:
    raw: Mapping[str, str] = response["Attributes"]
    filter_policy = json.loads(raw.get("FilterPolicy") or "{}")
    if not isinstance(filter_policy, dict):
        raise TypeError(filter_policy)
    return Subscription(
        raw["TopicArn"],
        raw["Endpoint"],
        raw["SubscriptionArn"],
        raw["Owner"],
        has_raw_delivery=raw.get("RawMessageDelivery") == "true",
        filter_policy=filter_policy,
        is_pending=raw.get("PendingConfirmation") == "true",
    )


def _parse_arn(response: Response) -> str:
    arn: str = response["SubscriptionArn"]
    return arn
