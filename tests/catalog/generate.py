"""Writes providers/models.json and providers/prices.json from genai-prices and providers.toml.

    python tests/catalog/generate.py           write both files
    python tests/catalog/generate.py --check   write nothing, exit 1 and show the difference when they are out of date

It lives among the tests because it needs a development dependency and must not be part of what is deployed; the test
beside the catalogue runs `--check`. genai-prices itself costs pydantic and an HTTP client at import, hence the files.
The output depends on the version of genai-prices and on providers.toml alone.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import tomllib
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_prices import types
from genai_prices.data import providers as SOURCE  # noqa: N812 - the data set, not a module

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TARGET = HERE.parents[1] / "providers"
PACKAGE = "genai-prices"
BY_ID = {provider.id: provider for provider in SOURCE}
KINDS = ("starts_with", "ends_with", "contains", "regex")

Json = Any  # what json.dumps takes


def alternatives(clause: Any) -> Iterator[tuple[str, str] | dict[str, str]]:
    """A match clause as a flat list: `("equals", name)`, or a test whose members must all hold."""
    if isinstance(clause, types.ClauseOr):
        for part in clause.or_:
            yield from alternatives(part)
    elif isinstance(clause, types.ClauseEquals):
        yield "equals", clause.equals.lower()
    else:
        yield conjunction(clause)


def conjunction(clause: Any) -> dict[str, str]:
    parts = clause.and_ if isinstance(clause, types.ClauseAnd) else [clause]
    test: dict[str, str] = {}
    for part in parts:
        kind = next(kind for kind in KINDS if hasattr(part, kind))  # StopIteration: a kind of clause we do not know yet
        if kind in test:
            raise ValueError(f"two {kind} in one clause: {clause}")
        text = getattr(part, kind)
        test[kind] = text if kind == "regex" else text.lower()  # regular expressions see a lower-case name as they are
    return test


def family(source: str) -> list[dict[str, str]]:
    """The claim of a maker on names. `contains` is narrowed: `anthropic.claude-v2` and `us.x-grok` are other hosts'."""
    tests = []
    for part in alternatives(BY_ID[source].model_match):
        if isinstance(part, tuple):
            if BY_ID[source].find_model(part[1]) is None:
                raise ValueError(f"{source} claims {part[1]} and does not list it")
        else:
            tests.append({"starts_with" if kind == "contains" else kind: text for kind, text in part.items()})
    return tests


def listing(row: Json) -> tuple[dict[str, str | None], list[tuple[str, dict[str, str]]], dict[str, Json]]:
    """Exact names, patterns in the order in which they are to be tried, and prices of one of our providers."""
    names: dict[str, str | None] = dict.fromkeys(row.get("retired", ()))
    patterns: list[tuple[str, dict[str, str]]] = []
    prices: dict[str, Json] = {}
    for provider in (BY_ID[source] for source in row.get("prices", ())):
        prefix = row.get("host_prefix")
        host = ":" + provider.id.removeprefix(prefix) if prefix else ""
        for model in provider.models:
            parts = list(alternatives(model.match))
            exact = {part[1] for part in parts if isinstance(part, tuple)}
            if model.is_match(model.id):
                exact.add(model.id.lower())
            for name in exact:
                found = provider.find_model(name)  # what the source itself answers, where an earlier model claims it
                if found is None:
                    raise ValueError(f"{provider.id} does not find its own {name}")
                names[name + host] = found.id + host
                if host and name == model.id.lower():
                    names.setdefault(name, model.id)
            patterns += [(model.id, part) for part in parts if isinstance(part, dict)]
            prices[model.id + host] = priced(model)
    return names, patterns, prices


def priced(model: types.ModelInfo) -> Json:
    versions = model.prices if isinstance(model.prices, list) else [types.ConditionalPrice(prices=model.prices)]
    row: dict[str, Json] = {"context": model.context_window} if model.context_window else {}
    if model.deprecated:
        row["deprecated"] = True
    row["prices"] = [{**constraint(each.constraint), "rates": rates(each.prices)} for each in versions]
    if model.price_variants:
        row["variants"] = [
            {"when": each.when, **constraint(each.constraint), "rates": rates(each.prices)}
            for each in model.price_variants
        ]
    return row


def constraint(given: types.StartDateConstraint | types.TimeOfDateConstraint | None) -> dict[str, Json]:
    match given:
        case types.StartDateConstraint():
            return {"since": given.start_date.isoformat()}
        case types.TimeOfDateConstraint():
            ends = (given.start_time, given.end_time)
            if any(end.utcoffset() for end in ends):
                raise ValueError(f"not in UTC: {given}")
            return {"daily": [end.replace(tzinfo=None).isoformat() for end in ends]}
        case None:
            return {}


def rates(prices: types.ModelPrice) -> dict[str, Json]:
    """Dollars as decimal text, for floats would round; a tiered rate is `[base, [above, rate], …]`."""
    return {
        unit: [f"{rate.base:f}", *([tier.start, f"{tier.price:f}"] for tier in rate.tiers)]
        if isinstance(rate, types.TieredPrices)
        else f"{rate:f}"
        for unit, rate in prices.__dict__.items()
        if rate is not None
    }


def provider_entry(row: Json, own: str) -> tuple[Json, dict[str, Json]]:
    names, patterns, prices = listing(row)
    claims = [test for source in row.get("family_of", ()) for test in family(source)]
    claims += [{"starts_with": prefix} for prefix in row.get("families", ())]
    families = [test for number, test in enumerate(claims) if test not in claims[:number]]
    entry = {
        "id": row["id"],
        "aliases": row.get("aliases", []),
        "own": row.get("own", own),
        "priced_like": row.get("priced_like", []),
        "families": families,
        "paths": [{"starts_with": prefix} for prefix in row.get("paths", ())],
        "patterns": patterns,
        "names": dict(sorted(names.items())),
        "wires": row.get("wires", {}),
    }
    return entry, {f"{row['id']}/{model}": price for model, price in sorted(prices.items())}


def generate() -> dict[str, str]:
    """File name to text."""
    table = tomllib.loads((HERE / "providers.toml").read_text())
    entries, prices = [], {}
    for row in table["provider"]:
        entry, priced_models = provider_entry(row, table["own"])
        entries.append(entry)
        prices.update(priced_models)
    head = {"source": f"{PACKAGE} {metadata.version(PACKAGE)}", "license": license_text()}
    # A name and a model are a line each: a change is one line of a diff, and a price is found without reading the rest.
    return {
        "models.json": render({**head, "providers": entries}, 4) + "\n",
        "prices.json": render({**head, **prices}, 1) + "\n",
    }


def render(value: Json, depth: int) -> str:
    """JSON with one item a line in the outer `depth` levels, and the rest of each item on its line."""
    if not depth or not isinstance(value, dict | list) or not value:
        return json.dumps(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}: {render(item, depth - 1)}" for key, item in value.items())
        return "{\n" + ",\n".join(members) + "\n}"
    return "[\n" + ",\n".join(render(item, depth - 1) for item in value) + "\n]"


def license_text() -> str:
    """The data is a substantial portion of a work under the MIT licence, whose notice has to go with it."""
    files = metadata.files(PACKAGE) or ()
    return next(file for file in files if file.name == "LICENSE").read_text().strip()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Write the model catalogue from genai-prices.")
    parser.add_argument("--check", action="store_true", help="only tell whether the files are up to date")
    parser.add_argument("--into", type=Path, default=TARGET, help="folder of the two files (default: providers/)")
    options = parser.parse_args(arguments)
    stale = False
    for name, text in generate().items():
        path = options.into / name
        present = path.read_text() if path.exists() else ""
        if not options.check:
            path.write_text(text)
        elif present != text:
            stale = True
            changes = difflib.unified_diff(present.splitlines(), text.splitlines(), name, "generated", n=0, lineterm="")
            sys.stdout.writelines(line[:160] + "\n" for line in islice(changes, 40))
    return int(stale)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
