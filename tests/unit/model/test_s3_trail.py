# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefix of the objects of a trail, and the trails that deliver into a bucket."""

from __future__ import annotations

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.bucket import other_account
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.trail import (
    Trail,
    TrailSource,
    find_source,
    keys,
)
from tests.unit.model.s3 import ACCOUNT, BUCKET, ORGANIZATION, OTHER, SPEC

KEY, KEY_2 = (f"arn:aws:kms:eu-west-1:{OTHER}:key/{number}" for number in (1, 2))


def trail(name: str = "all", account: str = ACCOUNT, prefix: str = "", *, key: str = "", bucket: str = BUCKET) -> Trail:
    return Trail(f"arn:aws:cloudtrail:eu-west-1:{account}:trail/{name}", bucket, prefix, kms_key_arn=key)


def organization(prefix: str = "", **more: str) -> Trail:
    return trail(account=OTHER, prefix=prefix, **more)._replace(is_organization=True)


@pytest.mark.parametrize(
    ("one", "prefix"),
    [
        (trail(), f"AWSLogs/{ACCOUNT}/CloudTrail/"),
        (trail(prefix="ct"), f"ct/AWSLogs/{ACCOUNT}/CloudTrail/"),
        (organization(), f"AWSLogs/{ORGANIZATION}/"),
        (organization("ct"), f"ct/AWSLogs/{ORGANIZATION}/"),
        (organization(ORGANIZATION), f"{ORGANIZATION}/AWSLogs/{ORGANIZATION}/"),
    ],
)
def test_the_prefix_follows_from_the_trail(one: Trail, prefix: str) -> None:
    assert find_source(BUCKET, [one, trail("else", bucket="other")], ORGANIZATION) == TrailSource(prefix)


def test_trails_with_one_prefix_are_one_source() -> None:
    found = [trail("a", key=KEY), trail("b", key=KEY_2), trail("a", key=KEY), trail("c")]
    assert find_source(BUCKET, found) == TrailSource(f"AWSLogs/{ACCOUNT}/CloudTrail/", (KEY, KEY_2))


@pytest.mark.parametrize(
    ("found", "prefix"),
    [
        ([trail()], "AWSLogs/"),
        ([trail(prefix="ct")], "ct/AWSLogs/"),
        ([trail(), trail("all", OTHER)], "AWSLogs/"),
        ([organization("ct")], f"ct/AWSLogs/{ORGANIZATION}/"),
    ],
)
def test_the_folders_of_accounts_are_below_that_of_the_trail(found: list[Trail], prefix: str) -> None:
    assert find_source(BUCKET, found, ORGANIZATION, of_accounts=True) == TrailSource(prefix)


def test_no_trail_is_an_error() -> None:
    with pytest.raises(SentinelError, match=f"bucket {BUCKET}: no trail") as caught:
        find_source(BUCKET, [trail(bucket="other")])
    assert caught.value.kind == "bad_input"


def test_several_trails_are_named_with_their_prefixes() -> None:
    found = [trail(), organization("ct")]
    with pytest.raises(SentinelError, match="several trails") as caught:
        find_source(BUCKET, found, ORGANIZATION)
    assert caught.value.kind == "bad_input"
    assert all(one.arn in str(caught.value) for one in found)
    assert f"(ct/AWSLogs/{ORGANIZATION}/)" in str(caught.value)


def test_an_organization_trail_needs_the_id_of_the_organization() -> None:
    with pytest.raises(SentinelError, match="is an organization trail") as caught:
        find_source(BUCKET, [organization()])
    assert caught.value.kind == "bad_input"


def test_a_bucket_of_another_account_is_refused_with_the_statement_it_needs() -> None:
    error = other_account(BUCKET, ACCOUNT, SPEC.role_arn)
    assert error.kind == "bad_input"
    assert f'"Principal": {{"AWS": "{SPEC.role_arn}"}}' in str(error)
    assert f'"Resource": "arn:aws:s3:::{BUCKET}/*"' in str(error)


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("", (KEY, KEY_2)),
        (f"AWSLogs/{ORGANIZATION}/", (KEY,)),
        (f"own/AWSLogs/{ACCOUNT}/CloudTrail/", (KEY_2,)),
        ("flows/", ()),
    ],
)
def test_the_keys_are_those_of_trails_that_deliver_below_the_prefix(prefix: str, wanted: tuple[str, ...]) -> None:
    assert keys([organization(key=KEY), trail(prefix="own", key=KEY_2), trail("c")], prefix) == wanted
