# Copyright (c) 2026 trailbridge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation matches the code: options, defaults, results, groups, examples."""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import fields, replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.trailbridge.sentinel.plugins.action import fleet as action
from ansible_collections.trailbridge.sentinel.plugins.action import fleet_check
from ansible_collections.trailbridge.sentinel.plugins.action import fleet_ingestion_info as verify
from ansible_collections.trailbridge.sentinel.plugins.action import fleet_preflight_info as preflight
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import modules as run_single
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core import options
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account import FIELDS, Field, parse
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.account_result import (
    AccountReport,
    AccountResult,
    ResourceResult,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector import (
    connector,
    workspace,
    workspace_content,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.connector import s3 as s3_connector
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.credentials.credentials import (
    AssumeRole,
    AwsCredentials,
    AzureCredentials,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.errors import CLASSES, SentinelError
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.findings import (
    CODES,
    SEVERITIES,
    finding,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion import ingestion
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.arrivals import (
    Arrival,
    Snapshot,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.demands import Expected
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.health import Health
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.ingestion.readers import (
    ConnectorsByAccount,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.organization import stackset
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.plan import Call
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.prerequisites import (
    Checked,
    Prerequisites,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.role import role
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.run_options import (
    COLLECTION_VARIABLES,
    HOST_OPTIONS,
    RUN_OPTIONS,
    STACKSET_OPTIONS,
    OptionSpec,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3 import (
    inspection,
    notification,
    objects,
    provider,
    queue,
    subscription,
    traffic,
    trail,
    trail_status,
)
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.model.s3.source import S3SourceSpec
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run import prerequisites_result
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.fleet_result import FleetResult
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.orphans.orphans import Orphan
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.run.unexpected import unexpected_error
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import ingestion as run_ingestion
from ansible_collections.trailbridge.sentinel.plugins.module_utils._core.verify import results

ROOT = Path(__file__).parents[2]
PACKAGE = "ansible_collections.trailbridge.sentinel.plugins"
COLLECTION = "trailbridge.sentinel"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
ROLES = sorted(path.parts[-3] for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
ACTIONS = {
    "fleet": action,
    "fleet_check": fleet_check,
    "fleet_ingestion_info": verify,
    "fleet_preflight_info": preflight,
}
# The action of a role, if it is not fleet.
ACTION_OF = {"verify": verify}
TASK_KEYWORDS = {
    *("name", "register", "run_once", "loop", "when", "delegate_to", "no_log", "vars", "check_mode", "diff"),
    *("until", "retries", "delay"),
}
RESULT_OF_ANSIBLE = {"changed", "diff", "failed", "msg", "_ansible_verbose_override"}
SECRET = re.compile(r"secret|token|password|passphrase|private|(?:^|_)key$")


# --- reading ---


@cache
def module(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.modules.{name}")


@cache
def text(name: str, part: str) -> Any:
    return yaml.safe_load(getattr(module(name), part))


@cache
def fragment(name: str) -> dict[str, Any]:
    found = importlib.import_module(f"{PACKAGE}.doc_fragments.{name}")
    loaded: dict[str, Any] = yaml.safe_load(found.ModuleDocFragment.DOCUMENTATION)
    return loaded


def fragments_of(name: str) -> list[dict[str, Any]]:
    listed = text(name, "DOCUMENTATION")["extends_documentation_fragment"]
    return [fragment(one.removeprefix(f"{COLLECTION}.")) for one in listed]


def documented(name: str) -> dict[str, dict[str, Any]]:
    """The options of a module, with those of its fragments."""
    found: dict[str, dict[str, Any]] = {}
    for part in (*fragments_of(name), text(name, "DOCUMENTATION")):
        found |= part.get("options") or {}
    return found


class Stopped(Exception):  # noqa: N818 it is no error
    """Replaces AnsibleModule, to capture the argument spec."""

    def __init__(self, *, argument_spec: dict[str, Any], **settings: Any) -> None:
        super().__init__()
        self.spec = argument_spec
        self.settings = settings


def raise_stopped(argument_spec: dict[str, Any], **settings: Any) -> None:
    raise Stopped(argument_spec=argument_spec, **settings)


@cache
def declared(name: str) -> Stopped:
    """The arguments of AnsibleModule in a module, or the spec of an action."""
    if name in ACTIONS:
        return Stopped(argument_spec=ACTIONS[name].SPEC, supports_check_mode=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module(name), "AnsibleModule", raise_stopped)
        with pytest.raises(Stopped) as caught:
            module(name).main()
    return caught.value


def spec(name: str) -> dict[str, dict[str, Any]]:
    return declared(name).spec


def meaning(option: dict[str, Any]) -> dict[str, Any]:
    """The properties of an option that documentation and spec share."""
    return {
        "type": option.get("type", "str"),
        "required": option.get("required", False),
        "default": option.get("default"),
        "choices": option.get("choices"),
        "elements": option.get("elements"),
        "aliases": sorted(option.get("aliases", [])),
    }


def words(description: str | list[str]) -> str:
    joined = description if isinstance(description, str) else " ".join(description)
    return " ".join(joined.split())


# --- options ---


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_the_options_that_it_documents(name: str) -> None:
    documented_values = {option: meaning(one) for option, one in documented(name).items()}
    assert {option: meaning(one) for option, one in spec(name).items()} == documented_values


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("aws", options.AWS_SPEC),
        ("azure", options.AZURE_SPEC),
        ("workspace", options.WORKSPACE_SPEC),
        ("role", options.ROLE_SPEC),
        ("fleet_role", options.FLEET_ROLE_SPEC),
        ("ingestion", options.INGESTION_SPEC),
        ("sources", options.SOURCES_SPEC),
    ],
)
def test_a_fragment_documents_the_argument_spec_of_its_name(name: str, piece: options.ArgumentSpec) -> None:
    documented_values = {option: meaning(one) for option, one in fragment(name)["options"].items()}
    assert {option: meaning(one) for option, one in piece.items()} == documented_values


def test_every_fragment_is_used() -> None:
    used = {one for name in MODULES for one in text(name, "DOCUMENTATION")["extends_documentation_fragment"]}
    there = {f"{COLLECTION}.{path.stem}" for path in (ROOT / "plugins/doc_fragments").glob("*.py")}
    assert used == there


@pytest.mark.parametrize("name", MODULES)
def test_every_environment_variable_is_documented(name: str) -> None:
    for option, one in spec(name).items():
        _function, variables = one.get("fallback", (None, []))
        documented_values = set(re.findall(r"E\((AZURE_\w+)\)", words(documented(name)[option]["description"])))
        assert documented_values == set(variables), option


@pytest.mark.parametrize("name", MODULES)
def test_every_secret_option_sets_no_log(name: str) -> None:
    undecided = [option for option, one in spec(name).items() if SECRET.search(option) and "no_log" not in one]
    assert undecided == []


def test_options_without_logging_are_hidden_in_representations() -> None:
    secret = {option for name in MODULES for option, one in spec(name).items() if one.get("no_log")}
    hidden = {one.name for kind in (AwsCredentials, AzureCredentials) for one in fields(kind) if not one.repr}
    hidden -= {"other_secrets"}
    assert secret == hidden == {"secret_key", "session_token", "secret", "oidc_token"}


@pytest.mark.parametrize("name", MODULES)
def test_every_option_is_described_in_sentences(name: str) -> None:
    for option, one in documented(name).items():
        for sentence in [one["description"]] if isinstance(one["description"], str) else one["description"]:
            assert re.match(r"[A-Z]|[A-Z]\(", sentence), option
            assert sentence.endswith("."), option


@pytest.mark.parametrize("name", MODULES)
def test_referenced_options_and_results_exist(name: str) -> None:
    described = [text(name, "DOCUMENTATION")["description"], *(one["description"] for one in documented(name).values())]
    documented_values = " ".join(map(words, described))
    assert set(re.findall(r"\bO\((\w+)\)", documented_values)) <= documented(name).keys()
    assert set(re.findall(r"\bRV\((\w+)\)", documented_values)) <= text(name, "RETURN").keys()


# --- the table of account options ---


def fleet_wide() -> dict[str, dict[str, Any]]:
    return {option: one for option, one in action.SPEC.items() if option not in {field.option for field in FIELDS}}


@pytest.mark.parametrize("field", FIELDS, ids=[field.option for field in FIELDS])
def test_a_field_has_the_type_of_its_option(field: Field) -> None:
    wanted = {"path": "str"}
    kinds = [
        {"dict": "dicts", "raw": "sources"}.get(one.get("elements", ""), one.get("type", "str"))
        for name in MODULES
        for option, one in spec(name).items()
        if option == (field.option if name in ACTIONS else field.short)
    ]
    assert {wanted.get(kind, kind) for kind in kinds} <= {field.type}


def test_fleet_has_an_option_for_every_field_but_the_account() -> None:
    assert [field.option for field in FIELDS if field.option not in action.SPEC] == ["account_id"]


def test_an_option_of_a_host_has_no_default_in_fleet() -> None:
    documented_values = [field.option for field in FIELDS if "default" in action.SPEC.get(field.option, {})]
    assert documented_values == []


@pytest.mark.parametrize("field", FIELDS, ids=[field.option for field in FIELDS])
def test_a_default_is_the_same_everywhere(field: Field) -> None:
    """That of the single module, that in the description of fleet, and that of the data class."""
    parts = {
        "role_spec": role.RoleSpec("", ""),
        "assume_role": AssumeRole(),
        "aws": AwsCredentials(),
        "azure": AzureCredentials(),
    }
    names = {f"assume_role_{name}": name for name in ("external_id", "session_name", "session_policy")}
    kept = getattr(parts.get(field.part, parse({}, "")), names.get(field.short, field.short), None)
    description = documented("fleet").get(field.option, {}).get("description", "")
    documented_default = re.search(r"Defaults to V\(([^)]*)\)", words(description))
    if isinstance(kept, bool):
        assert documented_default
    if documented_default:
        assert documented_default[1] == (str(kept).lower() if isinstance(kept, bool) else str(kept))
    for name in MODULES:
        one = spec(name).get(field.short, {})
        if name != "fleet" and "default" in one:
            assert one["default"] == kept


# --- roles ---


@cache
def entry_point(name: str) -> dict[str, Any]:
    path = ROOT / "roles" / name / "meta/argument_specs.yml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]
    return loaded


BY_VARIABLE = {field.variable: field for field in FIELDS}


def in_variables(description: str) -> str:
    """A description of fleet with variables instead of options."""
    by_option = {field.option: field.variable for field in FIELDS}
    return re.sub(r"O\((\w+)\)", lambda found: f"O({by_option.get(found[1], f'sentinel_{found[1]}')})", description)


def option_of(variable: str) -> str:
    if variable in BY_VARIABLE:
        return BY_VARIABLE[variable].option
    return variable.removeprefix("sentinel_verify_").removeprefix("sentinel_")


def spec_of(role: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = ACTION_OF.get(role, action).SPEC
    return found


@pytest.mark.parametrize("name", ROLES)
def test_a_variable_of_a_role_is_an_option_of_its_action(name: str) -> None:
    for variable, one in entry_point(name)["options"].items():
        option = option_of(variable)
        if option == "account_id":
            continue
        # Verification reads more variables of an account than its action has options.
        documented_values = spec_of(name).get(option) or action.SPEC[option]
        more = {"default": None, "choices": None, "aliases": []}
        assert meaning(one) == {**meaning(documented_values), **more}, variable
        choices = [choice for choice in documented_values.get("choices", ()) if choice]
        assert [choice for choice in choices if f"V({choice})" not in words(one["description"])] == [], variable
        assert one.get("no_log", False) == documented_values.get("no_log", False), variable


@pytest.mark.parametrize("name", ROLES)
def test_a_variable_of_an_account_is_described_as_its_option(name: str) -> None:
    fleet_options = documented("fleet")
    for variable, one in entry_point(name)["options"].items():
        if variable in BY_VARIABLE and variable != "aws_account_id":
            wanted = in_variables(words(fleet_options[option_of(variable)]["description"]))
            assert words(one["description"]) == wanted, variable


def test_onboard_has_every_variable_of_an_account_and_of_the_run() -> None:
    run_wide = {
        f"sentinel_{option}"
        for option in fleet_wide()
        if option not in {"accounts", "state", "offboard_orphans", "orphan_account_ids"}
    }
    assert entry_point("onboard")["options"].keys() == BY_VARIABLE.keys() | run_wide


@pytest.mark.parametrize("name", ROLES)
def test_the_default_of_a_run_variable_is_documented(name: str) -> None:
    for variable, one in entry_point(name)["options"].items():
        default = spec_of(name).get(option_of(variable), {}).get("default")
        if default is False:
            assert "Defaults to V(false)" in words(one["description"]), variable
        elif variable not in BY_VARIABLE and default is not None:
            assert f"Defaults to V({default})" in words(one["description"]), variable


@pytest.mark.parametrize("name", ROLES)
def test_every_variable_of_a_role_is_read_by_an_action(name: str) -> None:
    assert entry_point(name)["options"].keys() <= COLLECTION_VARIABLES


@pytest.mark.parametrize("option", [*RUN_OPTIONS, *HOST_OPTIONS], ids=lambda option: option.variable)
def test_an_option_of_the_run_has_the_type_of_the_actions_that_have_it(option: OptionSpec) -> None:
    same = {"path": "str"}
    kinds = [one.SPEC[option.option]["type"] for one in ACTIONS.values() if option.option in one.SPEC]
    assert {same.get(kind, kind) for kind in kinds} == {option.type}


@pytest.mark.parametrize("option", STACKSET_OPTIONS, ids=lambda option: option.variable)
def test_an_option_of_a_stackset_has_the_type_of_the_module(option: OptionSpec) -> None:
    assert spec("aws_stackset")[option.option]["type"] == option.type


@pytest.mark.parametrize("name", ROLES)
def test_a_role_sets_no_default_of_its_own(name: str) -> None:
    assert not (ROOT / "roles" / name / "defaults").exists()
    assert [variable for variable, one in entry_point(name)["options"].items() if "default" in one] == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_one_description_in_all_its_metadata(name: str) -> None:
    path = ROOT / "roles" / name / "meta/main.yml"
    galaxy = yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"]
    assert galaxy["description"] == entry_point(name)["short_description"]


# --- groups ---


@cache
def groups() -> dict[str, list[str]]:
    loaded: dict[str, list[str]] = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))[
        "action_groups"
    ]
    return loaded


def test_every_module_is_in_the_group_of_all() -> None:
    assert groups()["all"] == MODULES


@pytest.mark.parametrize(("group", "piece"), [("aws", options.AWS_SPEC), ("azure", options.AZURE_SPEC)])
def test_a_group_has_the_modules_that_take_its_credentials(group: str, piece: options.ArgumentSpec) -> None:
    assert groups()[group] == [name for name in MODULES if piece.keys() <= spec(name).keys()]


@pytest.mark.parametrize(("group", "piece"), [("aws", options.AWS_SPEC), ("azure", options.AZURE_SPEC)])
@pytest.mark.parametrize("name", MODULES)
def test_a_module_takes_all_credentials_of_a_group_or_none(name: str, group: str, piece: options.ArgumentSpec) -> None:
    assert (spec(name).keys() & piece.keys()) in (set(), set(piece))


@pytest.mark.parametrize("name", MODULES)
def test_a_documented_membership_is_real(name: str) -> None:
    documented_values = {
        one.removeprefix(f"{COLLECTION}.")
        for part in (*fragments_of(name), text(name, "DOCUMENTATION"))
        for one in part.get("attributes", {}).get("action_group", {}).get("membership", [])
    }
    assert "all" in documented_values
    assert [group for group in documented_values if name not in groups()[group]] == []


@pytest.mark.parametrize("name", MODULES)
def test_check_mode_is_supported_as_documented(name: str) -> None:
    attributes: dict[str, Any] = {}
    for part in (*fragments_of(name), text(name, "DOCUMENTATION")):
        attributes |= part.get("attributes", {})
    assert declared(name).settings["supports_check_mode"] is (attributes["check_mode"]["support"] == "full")


# --- results ---

ERROR = {"class": "x", "traceback": "Traceback (most recent call last): …"}
FLEET_ERROR = {"class": "x"}
ROLE = role.overlay(role.RoleSpec("111111111111", "11111111-aaaa-4aaa-8aaa-111111111111"), None)
CONNECTOR = connector.Connector("mine", ROLE.arn)
S3_CONNECTOR = s3_connector.S3Connector("theirs", ROLE.arn, ("https://sqs",), "AWSCloudTrail")
S3_SOURCE = S3SourceSpec("222222222222", "eu-west-1", "logs", "AWSLogs/", ROLE.arn, "logs")
FOUND = finding("role_missing", "No role.")
ERROR = SentinelError("assume_denied", "Cannot assume the role.")
BUG = run_single.failure(unexpected_error("run the module", KeyError("x")), run_single.TRACEBACK_VERBOSITY)["error"]


def report() -> AccountReport:
    shown = {"role": lambda: role.show(ROLE), "connector": lambda: connector.show(CONNECTOR)}
    return AccountReport(
        shown=shown,
        resources=[ResourceResult("role", ROLE.arn, changed=True)],
        findings=[FOUND],
        accepted={FOUND: "Known."},
        calls=[Call("TagRole", {})],
    )


def fleet_result() -> dict[str, Any]:
    named = {"account_id": "111111111111", "account_name": "Payments"}
    done = AccountResult(parse(named, "", host="pay"), report(), ERROR)
    done.report.diff = [{"before": {}, "after": {}}]
    results = FleetResult("never")
    results.add(done)
    results.orphans.append(Orphan(SimpleNamespace(name="sentinel"), CONNECTOR, "left", error="Cannot."))
    return {**results.result(), "error": {"class": "bad_input"}}


def single(*names: str) -> dict[str, Any]:
    result = report().result()
    others = {"role", "connector"} - set(names)
    return {key: value for key, value in result.items() if key not in others} | {"error": ERROR}


def s3_source() -> dict[str, Any]:
    made = queue.overlay(S3_SOURCE, None)
    return {
        **single(),
        "oidc_provider": provider.show(provider.overlay(S3_SOURCE, None)),
        "role": role.show(ROLE),
        "dead_letter_queue": queue.show(made),
        "queue": queue.show(made),
        "subscription": subscription.show(subscription.overlay(S3_SOURCE, None)),
        "notification": notification.show(notification.overlay(S3_SOURCE, None)),
    }


def inspected() -> inspection.Inspection:
    return inspection.Inspection(
        "AWSCloudTrail",
        S3_SOURCE.bucket,
        S3_SOURCE,
        trails=(trail_status.TrailState(trail.Trail("arn", S3_SOURCE.bucket)),),
        objects=objects.Objects((objects.Object("AWSLogs/x.gz", 1.0),), 2.0),
        traffic=traffic.Traffic(traffic.Waiting(1, 0), 0, traffic.Counts(1, 1, 1, 1)),
        findings=[FOUND],
        unknown=[inspection.Unknown("delivery", "Cannot.")],
    )


def s3_source_found() -> dict[str, Any]:
    found = inspected()
    made = s3_source()
    found.shown = {name: partial(made.get, name) for name in inspection.LINKS_OF_RESOURCES}
    found.shown["connector"] = lambda: s3_connector.show(S3_CONNECTOR)
    return {**inspection.show(found), "error": ERROR}


def connectors_found() -> dict[str, Any]:
    cloudtrail = {"kind": connector.KIND, "name": "x", "properties": {"awsRoleArn": ROLE.arn}}
    bucket = {"kind": "AmazonWebServicesS3", "name": "y", "properties": {"roleArn": ROLE.arn}}
    answers = [cloudtrail, {**cloudtrail, "name": "z"}, bucket]
    found = connector.workspace_findings([one for one in map(connector.parse, answers) if one])
    return {
        "connectors": [connector.describe(raw) for raw in answers],
        "findings": [one._asdict() for one in found],
        "error": ERROR,
    }


def roles_found() -> dict[str, Any]:
    inspected = run_single._role_with_findings(
        replace(ROLE, managed_policies=frozenset()), parse({"account_id": "111111111111"}, "")
    )
    return {"roles": [inspected], "error": ERROR}


SNAPSHOT = Snapshot(
    {"222222222222": {"AWSCloudTrail": Arrival("2026-11-22T17:20:15Z", 9e9, 7, ("us-east-1",))}},
    health={"mine": Health(failed=True, time="2026-11-22T17:00:00Z", reason="403")},
)
CONNECTORS = ConnectorsByAccount({"111111111111": (CONNECTOR,)})


def watched(account_id: str) -> run_ingestion.AccountIngestion:
    tables = ingestion.evaluate(account_id, Expected(), SNAPSHOT, CONNECTORS, 60)
    shown = ingestion.show(tables) | {"role_last_used": {}}
    account = parse({"account_id": account_id}, "", host="pay")
    return run_ingestion.AccountIngestion(
        account, ingestion_status=ingestion.overall(tables).status, shown=shown, error=ERROR
    )


def verified() -> dict[str, Any]:
    both = [watched("111111111111"), watched("222222222222")]
    both[0].shown["canary"] = True
    both[0].shown["s3_sources"] = [inspection.summary(inspected())]
    return {**results.task_result(both, [], "drift", 100, verbose=False), "error": FLEET_ERROR}


def arrived() -> dict[str, Any]:
    one = watched("111111111111")
    accounts = {"111111111111": one.result()}
    return {"summary": results.summary([one]), "accounts": accounts, "notes": [], "error": ERROR}


def checked() -> dict[str, Any]:
    found = Prerequisites(accounts=[Checked(parse({"account_id": "111111111111"}, "", host="pay"))])
    found.accounts[0].add("role", SentinelError("assume_denied", "Cannot assume the role."))
    return {**prerequisites_result.task_result(found, 100, verbose=False), "error": FLEET_ERROR}


RESULTS = {
    "fleet_preflight_info": checked,
    "ingestion_info": arrived,
    "fleet_ingestion_info": verified,
    "aws_connector_info": connectors_found,
    "aws_role_info": roles_found,
    "aws_role": lambda: single("role"),
    "aws_connector": lambda: {
        **single(),
        "connector": s3_connector.show(S3_CONNECTOR) | connector.show(CONNECTOR),
    },
    "aws_s3_source": s3_source,
    "aws_s3_source_info": s3_source_found,
    "aws_stackset": lambda: {
        "stackset": stackset.show(stackset.StackSet("x", tags={"x": "y"})),
        "calls": [Call("CreateStackSet", {}).show()],
        "error": ERROR,
    },
    "workspace_info": lambda: {
        "changed": False,
        "workspace": {
            **workspace.show(workspace.Workspace("/w", "w", "x", "westeurope", rights={"read": True})),
            **workspace_content.show(workspace_content.WorkspaceContent()),
        },
        "error": ERROR,
    },
    "fleet": fleet_result,
    "fleet_check": lambda: {"accounts": 12, "limited_accounts": 3, "error": FLEET_ERROR},
}


def undocumented(result: Any, documented_values: dict[str, Any], where: str = "") -> list[str]:
    """The undocumented keys of a result; keys without `contains` may have any content."""
    missing = []
    for key, value in result.items():
        if key not in documented_values:
            missing.append(f"{where}{key}")
            continue
        for inner in [value] if isinstance(value, dict) else value if isinstance(value, list) else []:
            contains = documented_values[key].get("contains")
            if isinstance(inner, dict) and contains:
                by_id = key == "accounts" and documented_values[key]["type"] == "dict"
                for one in inner.values() if by_id else [inner]:
                    missing += undocumented(one, contains, f"{where}{key}.")
    return missing


def unreturned(documented_values: dict[str, Any], result: dict[str, Any], where: str = "") -> list[str]:
    """The documented keys that a result lacks."""
    missing = []
    for key, one in documented_values.items():
        if key not in result:
            missing.append(f"{where}{key}")
            continue
        inner = result[key]
        if key == "accounts" and isinstance(inner, dict):
            inner = next(iter(inner.values()))
        if isinstance(inner, list):
            inner = {name: value for item in inner if isinstance(item, dict) for name, value in item.items()}
        if isinstance(inner, dict):
            missing += unreturned(one.get("contains", {}), inner, f"{where}{key}.")
    return missing


@pytest.mark.parametrize("name", sorted(RESULTS.keys() & set(MODULES)))
def test_a_result_has_the_documented_keys(name: str) -> None:
    result = {key: value for key, value in RESULTS[name]().items() if key not in RESULT_OF_ANSIBLE}
    assert undocumented(result, text(name, "RETURN")) == []
    assert unreturned(text(name, "RETURN"), result) == []


def test_the_result_of_every_module_is_tested() -> None:
    assert sorted(RESULTS) == MODULES


def returns(documented_values: dict[str, Any], where: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every documented key of a result, including nested ones."""
    found = []
    for key, one in documented_values.items():
        found += [(f"{where}{key}", one), *returns(one.get("contains", {}), f"{where}{key}.")]
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_documented_result_has_type_and_sample(name: str) -> None:
    kinds = {"str": str, "int": int, "bool": bool, "dict": dict, "list": list}
    for key, one in returns(text(name, "RETURN")):
        assert "contains" in one or "sample" in one, key
        assert one.get("sample") is None or isinstance(one["sample"], kinds[one["type"]]), key
        assert (one["type"] == "list") == ("elements" in one), key
        assert "." in key or "returned" in one, key
        assert key.rpartition(".")[2] not in dir(dict), key


@pytest.mark.parametrize("name", MODULES)
def test_codes_and_classes_in_the_documentation_exist(name: str) -> None:
    for key, one in returns(text(name, "RETURN")):
        if key.endswith(".code"):
            assert one["sample"] in CODES
        if key.endswith(".class"):
            assert one["sample"] in CLASSES
            assert set(re.findall(r"V\((\w+)\)", words(one["description"]))) <= CLASSES.keys()
        if key.endswith(".severity"):
            assert re.findall(r"V\((\w+)\)", words(one["description"])) == list(SEVERITIES)
        if isinstance(one.get("sample"), dict) and "class" in one["sample"]:
            assert one["sample"]["class"] in CLASSES


def test_every_finding_code_is_in_the_table() -> None:
    used = {
        node.args[0].value
        for path in (ROOT / "plugins").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"finding", "_say"}
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert len(used) > 10
    assert used <= CODES.keys()


# --- descriptions and examples ---


@pytest.mark.parametrize("name", MODULES)
def test_the_documentation_of_a_module_has_its_name(name: str) -> None:
    documented_values = text(name, "DOCUMENTATION")
    assert documented_values["module"] == name
    assert not documented_values["short_description"].endswith(".")
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(documented_values["version_added"]))
    assert documented_values["author"]
    seen = [one["module"].removeprefix(f"{COLLECTION}.") for one in documented_values["seealso"] if "module" in one]
    assert set(seen) <= set(MODULES) - {name}


def tasks(name: str) -> list[Any]:
    return [pytest.param(name, one, id=f"{name}: {one['name']}") for one in text(name, "EXAMPLES")]


@pytest.mark.parametrize(("name", "task"), [param for name in MODULES for param in tasks(name)])
def test_an_example_uses_options_that_exist(name: str, task: dict[str, Any]) -> None:
    [called] = [key for key in task if key not in TASK_KEYWORDS]
    assert re.match(r"[A-Z][^{]*", task["name"])
    result = ArgumentSpecValidator(spec(called.removeprefix(f"{COLLECTION}."))).validate(task[called])
    assert result.error_messages == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_an_example(name: str) -> None:
    assert any(f"{COLLECTION}.{name}" in task for task in text(name, "EXAMPLES"))


@pytest.mark.parametrize(("name", "task"), [param for name in MODULES for param in tasks(name)])
def test_an_example_has_values_that_are_accepted(name: str, task: dict[str, Any]) -> None:
    [called] = [key for key in task if key not in TASK_KEYWORDS]
    names: Any = "option" if called.removeprefix(f"{COLLECTION}.") in ACTIONS else "short"
    for one in [task[called], *task[called].get("accounts", [])]:
        parse({key: value for key, value in one.items() if key != "accounts"}, "", names=names)
