"""The JSON schema of a configuration file as a person writes it, for completion, help and checks in an editor."""

import re
from collections.abc import Mapping
from typing import Any

from descant.config.networks import WaveNetShape
from descant.config.root import Config
from descant.config.training import Training

DIALECT = "http://json-schema.org/draft-07/schema#"
# of the models that pydantic writes, and those that name other schemas by words of the file
MAPS_OF_SCHEMAS = ("properties", "$defs")
LISTS_OF_SCHEMAS = ("anyOf", "allOf")
KEY_FIRST = re.compile(r"^``[^`]*``:? ")


def json_schema() -> dict[str, Any]:
    """Describe one file: the shipped config.yaml, or one that is laid over it.

    It is the schema of :class:`descant.config.root.Config` before named parts are put in their places: ``wavenets``
    and the common ``training`` stand at the top, networks may name a WaveNet, and null takes a named entry out. No
    key is required, since a file may hold any part of the whole; what the whole lacks is found when it is checked.

    Returns:
        A JSON schema of draft 7, which editors' language servers read.
    """
    schema = _as_written(Config.model_json_schema())
    for section in (WaveNetShape, Training):
        # both are used by other sections, so that their schemas are there
        assert section.__name__ in schema["$defs"]
    schema["properties"] |= {
        "rows": {
            "description": "Rows of models that are run; without it, all of them.",
            "anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "null"}],
        },
        "wavenets": {
            "description": "Named WaveNets, which adas and priors refer to.",
            "type": "object",
            "additionalProperties": {"anyOf": [_reference(WaveNetShape), {"type": "null"}]},
        },
        "training": {
            "description": "What every training shares; each network may override any of it.",
            "allOf": [_reference(Training)],
        },
    }
    return {"$schema": DIALECT, **schema}


def _reference(section: type) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{section.__name__}"}


def _as_written(schema: Mapping[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for key, value in schema.items():
        if key in MAPS_OF_SCHEMAS:
            written[key] = {
                name: _property(part) if key == "properties" else _as_written(part) for name, part in value.items()
            }
        elif key in LISTS_OF_SCHEMAS:
            written[key] = [_as_written(part) for part in value]
        elif key == "oneOf":
            # without the kind, which an overlay leaves out, several may fit
            written["anyOf"] = [_as_written(part) for part in value]
        elif key == "prefixItems":
            written["items"] = [_as_written(part) for part in value]
        elif key == "items":
            written["items"] = _as_written(value)
        elif key == "additionalProperties" and isinstance(value, Mapping):
            written[key] = {"anyOf": [_as_written(value), {"type": "null"}]}
        elif key == "description":
            text = KEY_FIRST.sub("", value).replace("``", "`").replace("\n", " ")
            written[key] = text[:1].upper() + text[1:]
        elif key not in ("title", "required", "discriminator"):
            written[key] = value
    return written


def _property(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A key's schema; beside a reference draft 7 reads nothing else."""
    written = _as_written(schema)
    if written.get("$ref") == _reference(WaveNetShape)["$ref"]:
        reference = {"$ref": written.pop("$ref")}
        named = {"type": "string", "description": "The name of one of wavenets."}
        return {**written, "anyOf": [named, reference]}
    if "$ref" in written and len(written) > 1:
        return {"allOf": [{"$ref": written.pop("$ref")}], **written}
    return written
