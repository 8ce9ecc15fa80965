# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two policy documents mean the same, and what is wrong with a trust. Pure.

A document is read in two steps. ``canonical`` writes it in one form, for people. Its statements are then split into
atoms (one effect, principal, action, resource and set of clauses each), because documents mean the same when they
consist of the same atoms, however those were put into statements.
The file is longer than the others because judging a trust needs the atoms, which stay private to it.
Sources, in the IAM User Guide: "IAM JSON policy elements reference", "AWS JSON policy elements: Principal",
"IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import json
import marshal
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain, product
from typing import Any, NamedTuple, TypeGuard

from ..findings import CODES, Finding, finding, ordered

VERSION = "2012-10-17"
VERSION_IF_ABSENT = "2008-10-17"
ASSUME_ROLE = "sts:assumerole"
EXTERNAL_ID = "sts:externalid"
PAIRS = ("Principal", "Action", "Resource")
ELEMENTS = frozenset({"Sid", "Effect", "Condition", *PAIRS, *(f"Not{name}" for name in PAIRS)})

# The longest trusts of real roles have some dozens of atoms. Without a bound, 2,000 characters make 300,000.
MOST_ATOMS = 256
MOST_KEPT = 32
MOST_LISTED = 10
MOST_SHOWN = 1000

Part = tuple[str, frozenset[str]]


class Clause(NamedTuple):
    """One line of a condition."""

    operator: str
    key: str
    values: frozenset[str]


class Atom(NamedTuple):
    """The smallest statement: parts hold one value, or all values of a Not… element, which cannot be split.

    Of a statement with too many combinations they hold all values (``Split.whole``).
    """

    effect: str
    principal: Part
    action: Part
    resource: Part
    clauses: frozenset[Clause]


class Split(NamedTuple):
    """A statement in parts. Their combinations are its atoms, which can be far more than the policy has characters."""

    effect: str
    principals: list[Part]
    actions: list[Part]
    resources: list[Part]
    clauses: list[frozenset[Clause]]

    def size(self) -> int:
        """How many atoms it has."""
        return len(self.principals) * len(self.actions) * len(self.resources) * len(self.clauses)

    def combined(self) -> Iterator[Atom]:
        """Its atoms."""
        return (Atom(self.effect, *parts) for parts in product(*self[1:]))

    def whole(self) -> Atom:
        """All of it in one atom, whose parts hold all their values."""
        principal, action, resource = (_united(parts) for parts in (self.principals, self.actions, self.resources))
        return Atom(self.effect, principal, action, resource, _joined(self.clauses))


class Meaning(NamedTuple):
    """What is compared; ``unreadable`` holds, as text, what could not be split."""

    version: str
    atoms: frozenset[Atom]
    unreadable: frozenset[str]


class TrustSpec(NamedTuple):
    """Who shall be let in, and with which external ids."""

    account: str
    ids: frozenset[str]

    def atoms(self) -> frozenset[Atom]:
        """The atoms of the trust that is wished for."""
        principal = ("Principal", frozenset({f"AWS {self.account}"}))
        action = ("Action", frozenset({ASSUME_ROLE}))
        clauses = [Clause("StringEquals", EXTERNAL_ID, frozenset({value})) for value in self.ids]
        return frozenset(Atom("Allow", principal, action, ("Resource", frozenset()), frozenset({c})) for c in clauses)


def canonical(document: object) -> dict[str, Any]:
    """One form for all documents that differ only in writing, for showing and for diffs; the input is left alone.

    ``Version`` is filled in; ``Statement`` and all values are sorted lists without duplicates; actions and condition
    keys are in lower case; an account is its bare id; condition values are text; ``Sid`` and ``Id`` mean nothing and
    are gone. What cannot be read stands as it is; what is not even a dict is shown as ``{"Document": …}``.
    """
    if not _is_document(document):
        return dict(document) if isinstance(document, dict) else {"Document": document}
    statements = [_statement(s) if _is_statement(s) else s for s in _listed(document["Statement"])]
    unique = {_text(statement): statement for statement in statements}
    return {"Version": document.get("Version", VERSION_IF_ABSENT), "Statement": [unique[key] for key in sorted(unique)]}


def same(a: object, b: object) -> bool:
    """Whether two documents mean the same; what cannot be read equals only itself. Never raises."""
    return _meaning(a) == _meaning(b)


def external_ids(document: object, account_id: str) -> frozenset[str]:
    """The external ids with which that account may assume the role: those of exact (``StringEquals``) conditions.

    The account must be named, and no ``Deny`` may name the id as exactly: somebody took that one out.
    """
    atoms = [atom for atom in _meaning(document).atoms if _assumes(atom)]
    denied = _exact_ids(a for a in atoms if a.effect == "Deny" and _concerns(a.principal, account_id))
    return _exact_ids(a for a in atoms if a.effect == "Allow" and _names(a.principal, account_id)) - denied


def admitted_ids(document: object, account_id: str, counts: Callable[[str], bool]) -> frozenset[str]:
    """The external ids with which that account is let in by a statement as it is wished for, and that nothing denies.

    A statement that narrows (a part of the account, a further condition) would become wider if it were written anew.
    Only ids that count are looked at, because each of them has the whole document evaluated.
    """
    atoms = _meaning(document).atoms
    ids = filter(counts, _exact_ids(atom for atom in atoms if atom.effect == "Allow"))
    wished = (one for one in ids if TrustSpec(account_id, frozenset({one})).atoms() <= atoms)
    return frozenset(one for one in wished if _admits(atoms, account_id, one))


def restricts(statement: object, account_id: str, ids: Iterable[str]) -> bool:
    """Whether a statement denies that account something by one of these external ids, be it only sometimes."""
    atoms = [a for a in _meaning({"Version": VERSION, "Statement": [statement]}).atoms if a.effect == "Deny"]
    ways = [a for a in atoms if _concerns(a.principal, account_id) and _assumes(a) and _on_id(a)]
    return any(all(_passes(clause, one) for clause in way.clauses) for way in ways for one in ids)


def named_ids(document: object, account_id: str) -> frozenset[str]:
    """The external ids, and patterns of some, for which a statement allows anything to anybody, or spares that account.

    For finding out whether a role serves somebody else. What stands for everybody, such as ``*``, names nobody.
    """
    atoms = _meaning(document).atoms
    values = _values_on_id(a for a in atoms if a.effect == "Allow") | _spared(atoms, account_id)
    # The default value of a variable is what counts where the caller has none.
    named = {re.sub(r"\$\{[^}']*(?:'([^']*)'[^}]*)?\}", r"\1", value) for value in values}
    return frozenset(value for value in named if re.search(r"[0-9A-Za-z]", value))


def claimed_ids(document: object, account_id: str) -> frozenset[str]:
    """The values of every condition on the external id, exact or not, where a statement lets in or spares that account.

    For telling whose a role is: somebody whose id stands there in an unusual way is somebody too.
    """
    atoms = _meaning(document).atoms
    allowed = (a for a in atoms if a.effect == "Allow" and _concerns(a.principal, account_id))
    return _values_on_id(allowed) | _spared(atoms, account_id)


def is_legible(document: object) -> bool:
    """Whether all of a document can be read."""
    return not _meaning(document).unreadable


def trusts(document: object, account_id: str) -> bool:
    """Whether a statement allows that whole account, as its root ARN or its bare id, to assume the role."""
    atoms = [atom for atom in _meaning(document).atoms if atom.effect == "Allow" and _assumes(atom)]
    return any(name == "Principal" and f"AWS {account_id}" in values for name, values in (a.principal for a in atoms))


def names_account(document: object, account_id: str) -> bool:
    """Whether a statement allows that account, or a part of it, to assume the role by naming it."""
    return any(
        a.effect == "Allow" and _names(a.principal, account_id) and _assumes(a) for a in _meaning(document).atoms
    )


def matches_id(pattern: str, external_id: str) -> bool:
    """Whether a value of a condition stands for that external id, be it in another case or among others."""
    return _like(pattern.lower(), external_id.lower())


def admits(document: object, account_id: str, external_ids: Iterable[str]) -> bool:
    """Whether that account may assume the role with one of these external ids, or with one that nobody was given.

    A request without any external id counts too. The policy is evaluated as AWS does. What depends on more than is
    known here (a source address, a variable) counts as fulfilled where it allows, and as not fulfilled where it denies.
    What cannot be read says nothing.
    """
    atoms = _meaning(document).atoms
    anybody = str(uuid.uuid5(uuid.NAMESPACE_URL, repr(sorted(_values_on_id(atoms)))))
    return any(_admits(atoms, account_id, one) for one in (None, anybody, *external_ids))


def lets_in(document: object, account_id: str) -> bool:
    """Whether a statement allows anybody of that account to assume the role, be it by letting in everybody."""
    return any(_lets_in(atom, account_id) for atom in _meaning(document).atoms)


def trust_findings(document: object, *, account_id: str, external_ids: Iterable[str]) -> list[Finding]:
    """Everything in which a trust policy differs from the wish: one account, one action, exactly these external ids.

    Empty if and only if the document means the same as the wished one. Never raises.
    """
    spec = TrustSpec(account_id, frozenset(external_ids))
    have = _meaning(document)
    found = [_say("trust_unreadable", text) for text in have.unreadable]
    if have.version not in {VERSION, ""}:
        found.append(_say("trust_version", have.version))
    for atom in have.atoms - spec.atoms():
        found += _allow(atom, spec) if atom.effect == "Allow" else _deny(atom, spec)
    return ordered(found + _missing(have.atoms, spec))


# --- reading ---


def _is_document(value: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and value.keys() <= {"Version", "Id", "Statement"}
        and value.get("Version", VERSION) in (VERSION, VERSION_IF_ABSENT)
        and isinstance(value.get("Id", ""), str)
        and isinstance(value.get("Statement"), dict | list)
    )


def _is_statement(value: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and value.keys() <= ELEMENTS
        and value.get("Effect") in ("Allow", "Deny")
        and isinstance(value.get("Sid", ""), str)
        and not any({name, f"Not{name}"} <= value.keys() for name in PAIRS)
        and any(_is_texts(value.get(name)) for name in ("Action", "NotAction"))
        and all(_is_texts(value[name]) for name in ("Resource", "NotResource") if name in value)
        and all(_is_principal(value[name]) for name in ("Principal", "NotPrincipal") if name in value)
        and _is_condition(value.get("Condition", {}))
    )


def _is_texts(value: object) -> bool:
    return value != [] and all(isinstance(text, str) for text in _listed(value))


def _is_principal(value: object) -> bool:
    if not isinstance(value, dict) or not value:
        return value == "*"
    return all(isinstance(kind, str) and kind.isalpha() and _is_texts(names) for kind, names in value.items())


def _is_condition(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(op, str) and _is_block(block) for op, block in value.items())


def _is_block(value: object) -> bool:
    """Keys that differ only in case are unreadable: which of them counts is not documented."""
    return (
        isinstance(value, dict)
        and all(isinstance(key, str) for key in value)
        and len({key.lower() for key in value}) == len(value)
        and all(isinstance(v, str | int | float) for values in value.values() for v in _listed(values))
    )


# --- one form ---


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, default=repr)
    except (TypeError, ValueError):
        return repr(value)


def _statement(raw: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"Effect": raw["Effect"]}
    for name in (prefix + pair for pair in PAIRS for prefix in ("", "Not")):
        if name in raw:
            shown[name] = _principals(raw[name]) if "Principal" in name else sorted(_values(name, raw[name]))
    condition = {op: _block(block) for op, block in sorted(raw.get("Condition", {}).items()) if block}
    return {**shown, "Condition": condition} if condition else shown


def _values(name: str, raw: Any) -> set[str]:
    return {value.lower() if "Action" in name else value for value in _listed(raw)}


def _principals(raw: Any) -> dict[str, list[str]]:
    by_type = {"AWS": "*"} if raw == "*" else raw
    return {kind: sorted({_principal(kind, n) for n in _listed(names)}) for kind, names in sorted(by_type.items())}


def _principal(kind: str, name: str) -> str:
    root = re.fullmatch(r"arn:aws[a-z0-9-]*:iam::([0-9]{12}):root", name)
    return root[1] if root and kind == "AWS" else name


def _block(raw: dict[str, Any]) -> dict[str, list[str]]:
    return {key.lower(): sorted({_scalar(value) for value in _listed(raw[key])}) for key in sorted(raw, key=str.lower)}


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- atoms ---


def _meaning(document: Any) -> Meaning:
    """Return what a document means; thousands of accounts have the same one."""
    try:
        return _known(marshal.dumps(document, 2)) or _read(document)
    except ValueError:
        return _read(document)


@lru_cache(maxsize=256)
def _known(document: bytes) -> Meaning | None:
    """What a document means, or nothing where that is too much to keep."""
    meaning = _read(marshal.loads(document))  # noqa: S302 from this very process
    return meaning if len(meaning.atoms) <= MOST_KEPT else None


def _read(document: object) -> Meaning:
    if not _is_document(document):
        return Meaning("", frozenset(), frozenset({_text(document)}))
    shown = canonical(document)
    read = [_split(statement) for statement in shown["Statement"] if _is_statement(statement)]
    unreadable = frozenset(_text(statement) for statement in shown["Statement"] if not _is_statement(statement))
    return Meaning(shown["Version"], frozenset(_atoms(read)), unreadable)


def _atoms(statements: Iterable[Split]) -> Iterator[Atom]:
    """Yield the atoms: of the smallest statements all combinations, of those that are too many for that one each."""
    left = MOST_ATOMS
    for statement in sorted(statements, key=Split.size):
        left -= statement.size()
        yield from statement.combined() if left >= 0 else (statement.whole(),)


def _split(statement: Mapping[str, Any]) -> Split:
    principals, actions, resources = (_parts(statement, name) for name in PAIRS)
    return Split(statement["Effect"], principals, actions, resources, _clauses(statement.get("Condition", {})))


def _parts(statement: Mapping[str, Any], name: str) -> list[Part]:
    if f"Not{name}" in statement:
        return [(f"Not{name}", frozenset(_flat(statement[f"Not{name}"])))]
    return [(name, frozenset({value})) for value in _flat(statement.get(name, []))] or [(name, frozenset())]


def _united(parts: list[Part]) -> Part:
    return parts[0][0], frozenset(chain.from_iterable(values for _name, values in parts))


def _flat(values: Any) -> list[str]:
    return [f"{kind} {v}" for kind, vs in values.items() for v in vs] if isinstance(values, dict) else values


def _clauses(condition: Mapping[str, Any]) -> list[frozenset[Clause]]:
    """Only the exact external id is split by value: splitting every key would multiply without bound."""
    clauses = frozenset(Clause(op, key, frozenset(vs)) for op, block in condition.items() for key, vs in block.items())
    exact = Clause("StringEquals", EXTERNAL_ID, frozenset(condition.get("StringEquals", {}).get(EXTERNAL_ID, [])))
    return [clauses - {exact} | {exact._replace(values=frozenset({v}))} for v in exact.values] or [clauses]


def _joined(split: Iterable[frozenset[Clause]]) -> frozenset[Clause]:
    """The clauses before they were split: lines of one operator and key are one line with all values."""
    values: dict[tuple[str, str], frozenset[str]] = {}
    for clause in chain.from_iterable(split):
        values[clause[:2]] = values.get(clause[:2], frozenset()) | clause.values
    return frozenset(Clause(*line, some) for line, some in values.items())


# --- judging ---


def _say(code: str, thing: str) -> Finding:
    shown = thing if len(thing) <= MOST_SHOWN else f"{thing[:MOST_SHOWN]}…"
    return finding(code, f"{CODES[code].summary.removesuffix('.')}: {shown}.")


def _say_each(code: str, things: Iterable[str]) -> list[Finding]:
    """A finding for each thing, or one for all of too many."""
    things = list(things)
    return [_say(code, thing) for thing in things] if len(things) <= MOST_LISTED else [_say(code, _listing(things))]


def _listing(values: Iterable[str]) -> str:
    listed = sorted(values)
    more = [f"and {len(listed) - MOST_LISTED} more"] if len(listed) > MOST_LISTED else []
    return ", ".join([*listed[:MOST_LISTED], *more])


def _shown(atom: Atom) -> str:
    parts = (f"{name} {_listing(values)}" for name, values in (atom.principal, atom.action, atom.resource) if values)
    return "; ".join([atom.effect, *parts, *sorted(map(_clause_shown, atom.clauses))])


def _clause_shown(clause: Clause) -> str:
    return f"{clause.operator} {clause.key} [{_listing(clause.values)}]"


def _like(pattern: str, text: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _account(value: str) -> str:
    """The account of a principal, or nothing; assumed roles and federated users are principals of STS."""
    found = re.fullmatch(r"AWS (?:arn:[^:]*:(?:iam|sts)::)?([0-9]{12})(?::.+)?", value)
    return found[1] if found else ""


def _assumes(atom: Atom) -> bool:
    name, patterns = atom.action
    return any(_like(pattern, ASSUME_ROLE) for pattern in patterns) == (name == "Action")


def _names(principal: Part, account_id: str) -> bool:
    name, values = principal
    return name == "Principal" and any(_account(value) == account_id for value in values)


def _concerns(principal: Part, account_id: str) -> bool:
    """Whether it can stand for the account; a NotPrincipal always can: it spares the account without its roles."""
    name, values = principal
    return name == "NotPrincipal" or _names(principal, account_id) or any(_is_wild(value) for value in values)


def _lets_in(atom: Atom, account_id: str) -> bool:
    return atom.effect == "Allow" and _concerns(atom.principal, account_id) and _assumes(atom)


def _is_wild(text: str) -> bool:
    return "*" in text or "?" in text


def _passes(clause: Clause, external_id: str) -> bool:
    """Whether a request with that external id can pass the test; a test of something else always can."""
    return _is_met(clause, {EXTERNAL_ID: (external_id,)}, unknown=True)


def _hits(operator: str, values: Iterable[str], text: str) -> bool:
    """Whether a text passes a test of strings; a test that the text must fail is one of all values."""
    like, fold = "Like" in operator, operator.endswith("IgnoreCase")
    text = text.lower() if fold else text
    hit = any(_like(v, text) if like else (v.lower() if fold else v) == text for v in values)
    return hit != ("Not" in operator)


def _on_id(atom: Atom) -> list[Clause]:
    return [clause for clause in atom.clauses if clause.key == EXTERNAL_ID]


def _values_on_id(atoms: Iterable[Atom]) -> frozenset[str]:
    return frozenset(value for atom in atoms for clause in _on_id(atom) for value in clause.values)


def _spared(atoms: Iterable[Atom], account_id: str) -> frozenset[str]:
    """The external ids that a Deny excepts: who is denied to all others is let in by whatever allows it."""
    denies = [a for a in atoms if a.effect == "Deny" and _concerns(a.principal, account_id)]
    clauses = [clause for atom in denies for clause in _on_id(atom) if "not" in clause.operator.lower()]
    return frozenset(value for clause in clauses for value in clause.values)


def _exact_ids(atoms: Iterable[Atom]) -> frozenset[str]:
    exact = [c for atom in atoms for c in atom.clauses if (c.operator, c.key) == ("StringEquals", EXTERNAL_ID)]
    return frozenset(value for clause in exact for value in clause.values)


# --- evaluating ---

_ARN = "aws:principalarn"
# What a request of Microsoft's account has, whoever it acts for: an organization that is nobody else's, no MFA device,
# no service that passes it on. None is a key that the request does not have; of several values any may be the one.
Known = Mapping[str, tuple["str | None", ...]]
_KNOWN: Known = {
    "aws:principalorgid": ("o-another",),
    "aws:principalorgpaths": ("o-another/r-another/ou-another/",),
    "aws:principalisawsservice": ("false",),
    "aws:multifactorauthpresent": ("false", None),
    "aws:multifactorauthage": (None,),
    "aws:sourceaccount": (None,),
    "aws:sourcearn": (None,),
}


def _admits(atoms: Iterable[Atom], account_id: str, external_id: str | None) -> bool:
    caller: Known = {EXTERNAL_ID: (external_id,), "aws:principalaccount": (account_id,), _ARN: (account_id,)}
    known = {**_KNOWN, **caller}
    ways = [atom for atom in atoms if _assumes(atom) and _is_of(atom.principal, account_id, atom.effect == "Deny")]
    met = [a for a in ways if all(_is_met(clause, known, unknown=a.effect == "Allow") for clause in a.clauses)]
    return bool(met) and all(atom.effect == "Allow" for atom in met)


def _is_of(principal: Part, account_id: str, whole: bool) -> bool:
    """Whether a statement is about the whole account, or at least about a part of it."""
    name, values = principal
    if name == "NotPrincipal":
        # It spares whom it names, and not the roles of an account that it names.
        return "AWS *" not in values and not (whole and _names(("Principal", values), account_id))
    if whole:
        return not values.isdisjoint({f"AWS {account_id}", "AWS *"})
    root = f"AWS arn:aws:iam::{account_id}:root"
    return any(_account(value) == account_id or _like(value, root) for value in values)


def _is_met(clause: Clause, known: Known, *, unknown: bool) -> bool:
    """Whether a request fulfils a condition; `unknown` is the answer where nobody can tell."""
    if clause.key not in known or _has_variable(clause):
        return unknown
    answers = {_is_met_by(clause, value, unknown=unknown) for value in known[clause.key]}
    return answers.pop() if len(answers) == 1 else unknown


def _is_met_by(clause: Clause, value: str | None, *, unknown: bool) -> bool:
    base, if_exists = clause.operator.removesuffix("IfExists"), clause.operator.endswith("IfExists")
    operator = base.rpartition(":")[2]
    if operator == "Null":
        return (value is None) == ("true" in map(str.lower, clause.values))
    if value is None:
        # A test of what is not there fails, unless it is one that something must not be, or one of all there is.
        negated = "Not" in operator and not base.startswith("ForAnyValue:")
        return if_exists or negated or base.startswith("ForAllValues:")
    if clause.key == _ARN:
        return _is_met_by_arn(operator, clause.values, value, unknown=unknown)
    if operator == "Bool":
        return value in map(str.lower, clause.values)
    return _hits(operator, clause.values, value) if operator.startswith("String") else unknown


def _is_met_by_arn(operator: str, values: Iterable[str], account_id: str, *, unknown: bool) -> bool:
    """Of whoever acts for that account only the account is known."""
    fold = operator.endswith("IgnoreCase")
    anybody = f"arn:aws*:iam::{account_id}:*"
    literal = operator in {"StringEquals", "StringNotEquals"} or fold
    texts = [value.lower() if fold else value for value in values]
    if operator.startswith("Arn"):  # compares each of the six parts by itself
        texts = [f"arn:*:iam::{text.split(':')[4]}:*" if text.count(":") > 4 else text for text in texts]
    possible = any(_like(anybody, text) if literal else _overlap(text, anybody) for text in texts)
    return unknown if possible else "Not" in operator


@lru_cache(maxsize=1024)
def _overlap(one: str, other: str) -> bool:
    """Whether some text matches both patterns, whose second one has no colon where it has an asterisk.

    A row tells for each beginning of the second one whether it and the first one so far can be the same.
    """
    row = [not other[:end].strip("*") for end in range(len(other) + 1)]
    for a in one:
        after = [row[0] and a == "*"]
        for at, b in enumerate(other):
            if "*" in (a, b):
                after.append(after[at] or (row[at + 1] and (a, b) != (":", "*")))
            else:
                after.append(row[at] and a in {b, "?"})
        row = after
    return row[-1]


def _has_variable(clause: Clause) -> bool:
    """A policy variable as a value can stand for whatever the caller sends: ${sts:ExternalId} equals itself."""
    return any("${" in value for value in clause.values)


def _is_exact(clause: Clause) -> bool:
    wild = clause.operator == "StringLike" and any(_is_wild(value) for value in clause.values)
    exact = clause.operator in {"StringEquals", "StringLike"} and clause.values
    return clause.key == EXTERNAL_ID and bool(exact) and not wild and not _has_variable(clause)


def _allow(atom: Atom, spec: TrustSpec) -> list[Finding]:
    named: dict[str | None, set[str]] = {}
    for values in _one_by_one(atom.principal):
        named.setdefault(_principal_code((atom.principal[0], values), spec), set()).update(values)
    found = [_say(code, _listing(values)) for code, values in named.items() if code]
    if not named.keys().isdisjoint({None, "trust_principal_narrowed"}):
        found += _beyond_action(atom) + _beyond_clauses(atom, spec)
    return found or [_say("trust_differs", _shown(atom))]


def _one_by_one(part: Part) -> list[frozenset[str]]:
    """The values of a principal one by one; those of a NotPrincipal, and none at all, belong together."""
    name, values = part
    return [frozenset({value}) for value in values] if name == "Principal" and values else [values]


def _principal_code(principal: Part, spec: TrustSpec) -> str | None:
    name, values = principal
    if name == "NotPrincipal":
        return "trust_not_principal"
    named = next(iter(values), "")
    kind, _space, value = named.partition(" ")
    if _is_wild(value):
        return "trust_anyone"
    if kind != "AWS":
        return "trust_principal_type" if kind else "trust_differs"
    if re.fullmatch(r"A(RO|ID)A[A-Z0-9]+", value):
        return "trust_principal_deleted"
    account = _account(named)
    if account == spec.account:
        return None if value == account else "trust_principal_narrowed"
    return "trust_account_foreign"


def _beyond_action(atom: Atom) -> list[Finding]:
    name, values = atom.action
    if name == "NotAction":
        return [_say("trust_not_action", _listing(values))]
    return _say_each("trust_action_extra", values - {ASSUME_ROLE})


def _beyond_clauses(atom: Atom, spec: TrustSpec) -> list[Finding]:
    on_id = set(_on_id(atom))
    exact = {clause for clause in on_id if _is_exact(clause)}
    extra = [_say("trust_condition_extra", _clause_shown(clause)) for clause in atom.clauses - on_id]
    if not on_id:
        return [_say("trust_external_id_missing", _listing(atom.principal[1])), *extra]
    if not exact:
        return [_say("trust_external_id_weak", _clause_shown(clause)) for clause in on_id] + extra
    accepted = frozenset.intersection(*(clause.values for clause in exact))
    foreign = _say_each("trust_external_id_foreign", accepted - spec.ids)
    return foreign + extra + [_say("trust_condition_extra", _clause_shown(clause)) for clause in on_id - exact]


def _deny(atom: Atom, spec: TrustSpec) -> list[Finding]:
    hit = any(all(_passes(clause, external_id) for clause in atom.clauses) for external_id in spec.ids)
    blocks = hit and _concerns(atom.principal, spec.account) and _assumes(atom)
    return [_say("trust_deny" if blocks else "trust_statement_extra", _shown(atom))]


def _missing(atoms: Iterable[Atom], spec: TrustSpec) -> list[Finding]:
    ways = [a for a in atoms if _lets_in(a, spec.account)]
    if not ways:
        return [_say("trust_sentinel_missing", spec.account)]
    lost = [value for value in spec.ids if not any(all(_passes(c, value) for c in way.clauses) for way in ways)]
    return [_say("trust_workspace_missing", value) for value in lost]
