# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Successful responses of AWS' protocol "query", read by functions that are built once from botocore's model.

botocore's parser looks up the model again for every element of every response. What this file does not know, it leaves
to that parser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import Element, XMLParser

from .response import MalformedResponseError, parse

Reader = Callable[[bytes], dict[str, Any]]
"""Reads the body of a response, as in the API reference; raises MalformedResponseError."""
ElementReader = Callable[[Element], Any]
Timestamp = Callable[[str], Any]


def reader_of(operation: Any, timestamp: Timestamp) -> Reader | None:
    """Return the function for an operation, of which `operation` is botocore's model; None if botocore has to parse."""
    shape = operation.output_shape
    try:
        read = _reader(shape, timestamp) if shape else None
    except KeyError:
        return None
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    return (lambda body: parse(_read, body, wrapper, read)) if read and wrapper else None


def _read(body: bytes, wrapper: str, read: ElementReader) -> dict[str, Any]:
    parser = XMLParser()  # noqa: S314 expat itself limits what entities can expand to
    try:
        parser.feed(body)
        root = parser.close()
    except SyntaxError as error:
        raise MalformedResponseError("the response cannot be parsed") from error
    parts = {_name(part): part for part in root}
    metadata = {_name(part): part.text or "" for part in parts.get("ResponseMetadata", ())}
    return {**read(parts[wrapper]), "ResponseMetadata": {**metadata, "HTTPStatusCode": HTTPStatus.OK}}


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


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
        parts = [(_name(part), part) for part in element]
        return {name: readers[name](part) for name, part in parts if name in readers}

    return read


def _list(read_member: ElementReader) -> ElementReader:
    def read(element: Element) -> list[Any]:
        return [read_member(member) for member in element]

    return read


def _scalar(convert: Callable[[str], Any]) -> ElementReader:
    def read(element: Element) -> Any:
        return convert(element.text or "")

    return read
