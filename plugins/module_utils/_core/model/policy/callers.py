# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions that limit who sends a request: to keys that only AWS sets, with values of an account or a network. Pure.

Everybody sets tags, names and source identities of principals in an account of their own.
Sources: "AWS global condition context keys" (IAM User Guide); "The meaning of 'public'" (Amazon S3 User Guide).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from .conditions import PRINCIPAL_ARN, has_variable
from .patterns import is_wild
from .statements import Condition

_OPERATORS = {"ArnEquals", "ArnLike", "IpAddress", "StringEquals", "StringEqualsIgnoreCase", "StringLike"}
_SOURCE_IP = "aws:sourceip"
# The addresses of a /8 of IPv4 and of a /32 of IPv6: more are not limited.
_MAX_IPV4, _MAX_IPV6 = 2**24, 2**96
_PRIVATE = [IPv4Network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
# The unique ids of roles and users are longer.
_MIN_UNIQUE_ID = 16

_OF_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[0-9]{12}.*")
# A * of StringLike matches colons, which the path of a role may have.
_OF_ACCOUNT_AS_STRING = re.compile(r"arn:[^:*]*:[^:*]*:[^:*]*:[0-9]{12}.*")
# The ARN of a bucket has no account; names of buckets are unique.
_OF_BUCKET = re.compile(r"arn:[^:]*:s3:[^:]*:[^:]*:[^*?/]+(?:/.*)?")


def limits_caller(condition: Condition) -> bool:
    """Whether a condition limits who sends a request to some accounts, organizations or networks."""
    operator = condition.operator.removeprefix("ForAnyValue:")
    if operator not in _OPERATORS or not condition.values or has_variable(condition):
        return False
    if condition.key == _SOURCE_IP:
        return _are_few(condition.values)
    if condition.key == PRINCIPAL_ARN and operator == "StringLike":
        return all(not is_wild(one) or _OF_ACCOUNT_AS_STRING.fullmatch(one) for one in condition.values)
    is_specific = _TESTS.get(condition.key)
    return is_specific is not None and all(map(is_specific, condition.values))


def _is_literal(value: str) -> bool:
    return not is_wild(value)


def _has_owner(arn: str) -> bool:
    return _is_literal(arn) or any(one.fullmatch(arn) for one in (_OF_ACCOUNT, _OF_BUCKET))


def _has_organization(path: str) -> bool:
    return _is_literal(path.partition("/")[0])


def _has_unique_id(user_id: str) -> bool:
    """Whether the id is literal; the name of a session, after a colon, may be any."""
    begin = re.split("[*?]", user_id)[0]
    return _is_literal(user_id) or ":" in begin or len(begin) >= _MIN_UNIQUE_ID


def _are_few(values: Iterable[str]) -> bool:
    """Whether these addresses and networks have few public addresses together."""
    try:
        networks = [ip_network(one, strict=False) for one in values]
    except ValueError:
        return False
    public = [one for one in networks if isinstance(one, IPv4Network) and not any(map(one.subnet_of, _PRIVATE))]
    ipv6 = [one for one in networks if isinstance(one, IPv6Network)]
    return _count(collapse_addresses(public)) <= _MAX_IPV4 and _count(collapse_addresses(ipv6)) <= _MAX_IPV6


def _count(networks: Iterable[IPv4Network | IPv6Network]) -> int:
    return sum(one.num_addresses for one in networks)


_TESTS: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys((PRINCIPAL_ARN, "aws:sourcearn", "aws:sourcevpcarn"), _has_owner),
    **dict.fromkeys(("aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "aws:vpceaccount"), _is_literal),
    **dict.fromkeys(("aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid"), _is_literal),
    **dict.fromkeys(("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"), _has_organization),
    **dict.fromkeys(("aws:sourcevpc", "aws:sourcevpce"), _is_literal),
    "aws:userid": _has_unique_id,
}
