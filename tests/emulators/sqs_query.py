# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query protocol of SQS, which releases of botocore before the JSON protocol speak."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape, unescape

Json = dict[str, Any]

NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
# The maps of requests, by the name that their entries have in this protocol, with those of key and value.
_MAPS = {"Attribute": ("Attributes", "Name", "Value"), "Tag": ("Tags", "Key", "Value")}
_ENTRY = re.compile(r"(Attribute|Tag)\.(\d+)\.(Name|Key|Value)")
_ATTRIBUTE = re.compile(r"<Attribute>\s*<Name>([^<]*)</Name>\s*<Value>([^<]*)</Value>\s*</Attribute>")


def is_query(body: bytes) -> bool:
    """Whether a request is in this protocol."""
    return body.startswith(b"Action=") or b"&Action=" in body


def operation(body: bytes) -> str:
    """The operation of a request."""
    return str(dict(parse_qsl(body.decode())).get("Action", "Unknown"))


def parameters(body: bytes) -> Json:
    """The parameters of a request as the JSON protocol has them; lists are left out."""
    found: Json = {}
    entries: dict[tuple[str, str], dict[str, str]] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        if part := _ENTRY.fullmatch(name):
            entries.setdefault((part[1], part[2]), {})[part[3]] = value
        elif "." not in name:
            found[name] = value
    for (kind, _number), pair in entries.items():
        target, key, value = _MAPS[kind]
        found.setdefault(target, {})[pair.get(key, "")] = pair.get(value, "")
    return found


def with_attribute(body: bytes, name: str, value: str) -> bytes:
    """A request that sets one more attribute."""
    number = len(parameters(body).get("Attributes", {})) + 1
    return body + b"&" + urlencode({f"Attribute.{number}.Name": name, f"Attribute.{number}.Value": value}).encode()


def attributes(text: str) -> dict[str, str]:
    """The attributes of a queue in a response."""
    return {name: unescape(value, {"&quot;": '"'}) for name, value in _ATTRIBUTE.findall(text)}


def with_attributes(text: str, values: Mapping[str, str]) -> str:
    """A response with these attributes."""
    shown = "".join(
        f"<Attribute><Name>{name}</Name><Value>{escape(value)}</Value></Attribute>" for name, value in values.items()
    )
    first = _ATTRIBUTE.search(text)
    return text if first is None else text[: first.start()] + shown + _ATTRIBUTE.sub("", text[first.start() :])


def error(code: str, message: str, side: str) -> str:
    """An error response."""
    return (
        f'<?xml version="1.0"?><ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{side}</Type>'
        f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message><Detail/></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
