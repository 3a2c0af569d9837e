"""The JSON schema: it is the one of this code, describes files as people write them, and refuses mistyped keys."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline import ROOT

from descant.config.reading import read_yaml
from descant.config.schema import json_schema

SCHEMA = ROOT / "config" / "schema.json"
SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "config").rglob("*.yaml"))]
VALIDATOR = jsonschema.Draft7Validator(json_schema())
WHOLE = read_yaml(ROOT / "config.yaml")

Path_ = tuple[str, ...]


def places(values: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every key, sections before what is in them."""
    for key, value in values.items() if isinstance(values, dict) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def with_change(path: Path_, change: Any) -> dict[str, Any]:
    """A copy of the shipped configuration, with a section changed by a function of it and the last key."""
    # aliases are one object in two places
    values = json.loads(json.dumps(WHOLE))
    section = values
    for key in path[:-1]:
        section = section[key]
    change(section, path[-1])
    return values


PLACES = list(places(WHOLE))


def test_the_file_is_what_the_code_makes() -> None:
    found = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert found == json_schema(), "the configuration has changed: run `make schema` and commit config/schema.json"


def test_it_is_a_schema_of_its_dialect() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_files_fit_it_and_name_it(path: Path) -> None:
    VALIDATOR.validate(read_yaml(path))
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert named != first, "the first line names the schema"
    assert (path.parent / named).resolve() == SCHEMA


@given(st.sampled_from(PLACES))
def test_a_mistyped_key_does_not_fit(path: Path_) -> None:
    def mistype(section: dict[str, Any], key: str) -> None:
        section[f"{key}_"] = section.pop(key)

    # names are people's own
    sections = ("wavenets", "adas", "priors", "models", "music", "compositions")
    is_own = path[:-1] in [(section,) for section in sections] or path[-2:-1] == ("tuned",)
    assert VALIDATOR.is_valid(with_change(path, mistype)) == is_own


@given(st.sampled_from(PLACES))
def test_a_value_of_another_kind_does_not_fit(path: Path_) -> None:
    assert not VALIDATOR.is_valid(with_change(path, lambda section, key: section.update({key: [[{"no": "no"}]]})))


# of `tuned` one name must stay
@given(st.sets(st.sampled_from([path for path in PLACES if path[-2:-1] != ("tuned",)])))
def test_a_file_that_holds_a_part_fits(left_out: set[Path_]) -> None:
    values = copy.deepcopy(json.loads(json.dumps(WHOLE)))
    for path in sorted(left_out, key=len):
        section = values
        for key in path[:-1]:
            section = section.get(key, {})
        section.pop(path[-1], None)
    VALIDATOR.validate(values)


@pytest.mark.parametrize("section", ["wavenets", "adas", "priors", "models"])
def test_null_takes_a_named_entry_out(section: str) -> None:
    VALIDATOR.validate({section: dict.fromkeys(WHOLE[section])})
    assert not VALIDATOR.is_valid({section: [None]})


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({"adas": {"a": {"local_model": "large"}}}, True),
        ({"adas": {"a": {"local_model": {"stacks": 2}}}}, True),
        ({"adas": {"a": {"local_model": {"stakcs": 2}}}}, False),
        ({"adas": {"a": {"local_model": 3}}}, False),
        ({"adas": {"a": {"bottleneck": {"commitment": 0.1}}}}, True),
        ({"adas": {"a": {"bottleneck": {"comitment": 0.1}}}}, False),
        ({"adas": {"a": {"bottleneck": {"kind": "argmax", "codebook_update": "ema"}}}}, False),
        ({"training": {"betas": [0.9, 0.99]}}, True),
        ({"training": {"betas": [0.9]}}, False),
        ({"training": {"steps": 0}}, True),
        ({"training": {"steps": -1}}, False),
        ({"audio": {"sample_rate": 999}}, False),
        ({"seed": True}, False),
        ({"rows": ["hop8"]}, True),
        ({"rows": "hop8"}, False),
    ],
)
def test_it_knows_what_people_write(values: dict[str, Any], fits: bool) -> None:
    assert VALIDATOR.is_valid(values) == fits


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every section."""
    if isinstance(schema, dict):
        for name, part in schema.get("properties", {}).items():
            yield f"{path}.{name}", part
        for name, part in schema.items():
            yield from properties(part, f"{path}.{name}")


def test_every_key_has_help() -> None:
    schema = json_schema()
    for path, part in properties(schema):
        references = [part, *part.get("allOf", [])]
        names = [each["$ref"].rpartition("/")[2] for each in references if "$ref" in each]
        helps = [part.get("description"), *(schema["$defs"][name].get("description") for name in names)]
        text = next((text for text in helps if text), "")
        assert len(text) > 15 and "`" not in text[:1] and text[0] == text[0].upper(), path
