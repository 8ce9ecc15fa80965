# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of errors are public, every error has one of them, and is one sentence that starts with "Cannot"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.cloud import (
    aws,
    aws_errors,
    cloudformation,
    iam,
    organizations,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import (
    CLASSES,
    ChangedError,
    NotYetError,
    SentinelError,
    cannot,
)

PLUGINS = Path(__file__).parents[3] / "plugins"
ERRORS = {error.__name__ for error in (SentinelError, NotYetError, ChangedError)}

# Public: playbooks of users compare them.
PUBLIC = {
    "account_not_active",
    "assume_denied",
    "aws_denied",
    "azure_denied",
    "bad_input",
    "boundary_denied",
    "clock_skew",
    "connectivity_check_failed",
    "connector_conflict",
    "expired_credentials",
    "interrupted",
    "missing_package",
    "profile_not_found",
    "quota",
    "role_conflict",
    "scp_denied",
    "notification_conflict",
    "queue_conflict",
    "queue_not_empty",
    "stackset_conflict",
    "throttled",
    "too_many_changes",
    "transient",
    "unexpected",
    "untrusted_certificate",
    "workspace_not_found",
    "wrong_account",
}


def test_classes_are_public_and_stable() -> None:
    assert CLASSES.keys() == PUBLIC


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_a_class_has_a_cause_and_advice_in_sentences(kind: str) -> None:
    what, advice = CLASSES[kind]
    assert what[0].isupper()
    assert what.endswith(".")
    assert advice == "" or (advice[0].isupper() and advice.endswith("."))


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_an_error_ends_with_the_advice_of_its_class(kind: str) -> None:
    error = cannot(kind, "read role x in account 111111111111", "User: y is not authorized. ")
    advice = CLASSES[kind][1]
    assert error.kind == kind
    assert str(error) == f"Cannot read role x in account 111111111111: User: y is not authorized. {advice}".strip()


def test_texts_of_classes_are_unique() -> None:
    assert len(set(CLASSES.values())) == len(CLASSES)


@pytest.mark.parametrize("error", [SentinelError, NotYetError, ChangedError])
def test_an_error_is_shown_as_class_and_message(error: type[SentinelError]) -> None:
    raised = error("throttled", "Cannot go on: too many requests.")
    assert str(raised) == "Cannot go on: too many requests."
    assert raised.kind == "throttled"
    assert raised.show() == {"class": "throttled", "message": "Cannot go on: too many requests."}


def raised_in(path: Path) -> Iterator[tuple[int, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield node.lineno, node


SITES = [
    pytest.param(node, id=f"{path.relative_to(PLUGINS)}:{line}")
    for path in sorted(PLUGINS.rglob("*.py"))
    for line, node in raised_in(path)
]


def begin(node: ast.expr) -> str | None:
    """The constant text that an expression begins with; None if it begins with a value."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def test_raised_errors_are_found_in_the_code() -> None:
    assert len(SITES) > 10


@pytest.mark.parametrize("node", SITES)
def test_a_raised_error_has_a_class_of_the_table(node: ast.Call) -> None:
    kind = begin(node.args[0])
    assert kind is None or kind in CLASSES


@pytest.mark.parametrize("node", SITES)
def test_the_message_of_a_raised_error_starts_with_cannot(node: ast.Call) -> None:
    text = begin(node.args[1])
    assert text is None or text.startswith("Cannot ")


CODES = {
    "common": aws_errors.COMMON_CODES,
    "cloudformation": cloudformation.CODES,
    "iam": iam.CODES,
    "organizations": organizations.CODES,
    "sts": aws.CODES,
}


@pytest.mark.parametrize("codes", CODES.values(), ids=CODES)
def test_the_errors_of_aws_have_a_class_of_the_table(codes: tuple[aws_errors.Code, ...]) -> None:
    assert {code.kind for code in codes} <= CLASSES.keys()


@pytest.mark.parametrize("codes", CODES.values(), ids=CODES)
def test_each_error_code_can_be_reached(codes: tuple[aws_errors.Code, ...]) -> None:
    """The first row that fits decides, so one without a phrase is the last one of its code."""
    for number, code in enumerate(codes):
        assert code.phrase == code.phrase.lower()
        earlier = " ".join(one.names for one in codes[:number] if not one.phrase)
        assert set(code.names.split()) & set(earlier.split()) == set()
