# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses that are not as documented: the only place where an exception of code is blamed on a service.

Every function that reads fields of a response is called by `parse`. A KeyError or TypeError anywhere else is a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
# What code raises that reads fields which are not there, or have another type.
_MISREAD = (AttributeError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)


class MalformedResponseError(Exception):
    """A response lacks a documented field or has another format; the message is the cause."""


def parse(read: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of a function that reads a response; raises MalformedResponseError where that fails.

    `translate_aws_errors` and `translate_azure_errors` turn it into an error of the service.
    """
    try:
        return read(*args, **kwargs)
    except KeyError as error:
        raise MalformedResponseError(f"the response does not contain {error}") from error
    except _MISREAD as error:
        raise MalformedResponseError("the response has an unexpected format") from error


@contextmanager
def called_by_sdk() -> Iterator[None]:
    """For code of this collection that an SDK calls within `parse`: the response is not blamed for its errors."""
    try:
        yield
    except _MISREAD as error:
        raise RuntimeError(f"{type(error).__name__} in a function that the SDK called: {error}") from error
