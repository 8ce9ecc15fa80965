# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Successful responses of AWS' protocol "query", read by functions that are built once from botocore's model.

botocore's parser looks up the model again for every element of every response. What this file does not know, it leaves
to that parser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element, XMLParser

from .response import MalformedResponseError, parse

Reader = Callable[[bytes], dict[str, Any]]
"""Reads the body of a response, as in the API reference; raises MalformedResponseError."""
ElementReader = Callable[[Element], Any]
Timestamp = Callable[[str], Any]

MAX_REMEMBERED_BYTES = 4096


def reader_of(operation: Any, timestamp: Timestamp) -> Reader | None:
    """Return the function for an operation, of which `operation` is botocore's model; None if botocore has to parse."""
    shape = operation.output_shape
    try:
        read = _reader(shape, timestamp) if shape else None
    except KeyError:
        return None
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    if not read or not wrapper:
        return None

    def read_body(body: bytes) -> dict[str, Any]:
        return parse(_read, body, wrapper, read)

    return _remembering(read_body) if operation.name.startswith("List") else read_body


def _remembering(read: Reader) -> Reader:
    """Return a reader that reads equal responses once: in most accounts, a listing differs in the request id only.

    The items of a listing are shared, so never change them.
    """
    remembered = lru_cache(maxsize=64)(read)

    def read_or_remember(body: bytes) -> dict[str, Any]:
        if len(body) > MAX_REMEMBERED_BYTES:
            return read(body)
        before, start, rest = body.partition(b"<RequestId>")
        request_id, end, after = rest.partition(b"</RequestId>")
        if not end:
            return read(body)
        found = remembered(before + start + end + after)
        metadata = {**found["ResponseMetadata"], "RequestId": request_id.decode(errors="replace")}
        return {**found, "ResponseMetadata": metadata}

    return read_or_remember


def _read(body: bytes, wrapper: str, read: ElementReader) -> dict[str, Any]:
    parser = XMLParser()  # noqa: S314 expat itself limits what entities can expand to
    try:
        parser.feed(body)
        root = parser.close()
    except SyntaxError as error:
        raise MalformedResponseError("the response cannot be parsed") from error
    parts = {_name(part.tag): part for part in root}
    metadata = {_name(part.tag): part.text or "" for part in parts.get("ResponseMetadata", ())}
    return {**read(parts[wrapper]), "ResponseMetadata": {**metadata, "HTTPStatusCode": HTTPStatus.OK}}


@lru_cache(maxsize=1024)
def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _reader(shape: Any, timestamp: Timestamp) -> ElementReader:
    """Return the function for a shape; raises KeyError for a type that is not known here."""
    if shape.type_name == "structure":
        return _structure({name: _reader(one, timestamp) for name, one in shape.members.items()})
    if shape.type_name == "list":
        return _list(_reader(shape.member, timestamp))
    converters: dict[str, Callable[[str], Any]] = {
        "string": str,
        "integer": int,
        "boolean": "true".__eq__,
        "timestamp": timestamp,
    }
    return _scalar(converters[shape.type_name])


def _structure(readers: Mapping[str, ElementReader]) -> ElementReader:
    def read(element: Element) -> dict[str, Any]:
        return {name: readers[name](part) for part in element if (name := _name(part.tag)) in readers}

    return read


def _list(read_member: ElementReader) -> ElementReader:
    def read(element: Element) -> list[Any]:
        return [read_member(member) for member in element]

    return read


def _scalar(convert: Callable[[str], Any]) -> ElementReader:
    def read(element: Element) -> Any:
        return convert(element.text or "")

    return read
