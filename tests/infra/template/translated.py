"""The template as CloudFormation gets it: SAM's translator runs here, and the conditions are decided for parameters.

SAM accepts some wrong spellings in silence (its own words for streaming differ from CloudFormation's), so what counts
is the translated template.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
FUNCTIONS = ("ProxyFunction", "AdminFunction")

Json = Any


def translate(**chosen: str) -> Json:
    """Translated, with every condition decided; what AWS alone knows stays as it is written."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for name in FUNCTIONS:
        # Where `sam build` puts a bundle, `sam deploy` puts an address in S3.
        template["Resources"][name]["Properties"]["CodeUri"] = "s3://bucket/key"
    values = _parameters(template, chosen)
    session = boto3.Session(region_name="eu-west-1")
    translated = Translator({}, Parser(), boto_session=session).translate(template, values)
    return decide(translated, values)


def decide(template: Json, values: Mapping[str, str]) -> Json:
    """Without what its conditions leave out, and with the parameters' values."""
    rules = template["Conditions"]
    decided = {name: _condition(rule, values, rules) for name, rule in rules.items()}
    kept = {
        part: {name: one for name, one in template.get(part, {}).items() if decided.get(one.get("Condition", ""), True)}
        for part in ("Resources", "Outputs")
    }
    return _resolve({**template, **kept}, decided, values)


def properties(template: Json, name: str) -> Json:
    return template["Resources"][name]["Properties"]


def only(template: Json, kind: str) -> Json:
    """The properties of the one resource of that type."""
    found = [resource for resource in template["Resources"].values() if resource["Type"] == kind]
    assert len(found) == 1, f"{len(found)} resources of type {kind}"
    return found[0]["Properties"]


def variables(template: Json, function: str) -> Json:
    return properties(template, function)["Environment"]["Variables"]


def grounded(node: Json, known: Mapping[str, str]) -> Json:
    """`node` with every Ref, GetAtt and Sub replaced by what `known` has under its name (`Table`, `Table.Arn`)."""
    match node:
        case {"Ref": str(name)}:
            return known[name]
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return known[f"{name}.{attribute}"]
        case {"Fn::Sub": str(text)}:
            # `${!Name}` is CloudFormation's way to write `${Name}`.
            return re.sub(r"\$\{(!?)([^}]+)\}", lambda it: f"${{{it[2]}}}" if it[1] else known[it[2]], text)
        case {"Fn::Sub": [str(text), dict(own)]}:
            return grounded({"Fn::Sub": text}, {**known, **grounded(own, known)})
        case dict():
            return {key: grounded(value, known) for key, value in node.items()}
        case list():
            return [grounded(item, known) for item in node]
        case _:
            return node


def _parameters(template: Json, chosen: dict[str, str]) -> dict[str, str]:
    defaults = {name: str(spec["Default"]) for name, spec in template["Parameters"].items()}
    assert chosen.keys() <= defaults.keys()
    return {**defaults, **chosen}


def _condition(rule: Json, values: Mapping[str, str], rules: Mapping[str, Json]) -> bool:
    match rule:
        case {"Fn::Not": [inner]}:
            return not _condition(inner, values, rules)
        case {"Fn::And": inner}:
            return all(_condition(one, values, rules) for one in inner)
        case {"Fn::Or": inner}:
            return any(_condition(one, values, rules) for one in inner)
        case {"Condition": str(name)}:
            return _condition(rules[name], values, rules)
        case {"Fn::Equals": [{"Ref": name}, other]}:
            return bool(values[name] == other)
        case _:
            raise AssertionError(f"a condition that this test cannot decide: {rule}")


_NOTHING = object()


def _resolve(node: Json, decided: Mapping[str, bool], values: Mapping[str, str]) -> Json:
    match node:
        case {"Fn::If": [name, yes, no]}:
            return _resolve(yes if decided[name] else no, decided, values)
        case {"Ref": "AWS::NoValue"}:
            return _NOTHING
        case {"Ref": name} if name in values:
            return values[name]
        case dict():
            entries = {key: _resolve(value, decided, values) for key, value in node.items()}
            return {key: value for key, value in entries.items() if value is not _NOTHING}
        case list():
            return [item for item in (_resolve(item, decided, values) for item in node) if item is not _NOTHING]
        case _:
            return node
