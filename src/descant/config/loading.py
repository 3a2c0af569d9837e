"""From YAML files to the checked configuration, and errors that name the key and the cure."""

from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError

from descant.config.base import Section, nearest_of, suggest
from descant.config.reading import read_yaml
from descant.config.root import STACK, Config
from descant.config.rows import choose_rows
from descant.errors import ConfigError, shown

SHOWN = 30
# keys of the top level that are put where networks refer to them
PLACED = ("wavenets", "training", "rows")
UNIONS = (Annotated, Union, UnionType)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested mapping over another; neither is changed."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    """A section's keys; one left empty in YAML has none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{path} is not a mapping (it is {shown(value)})", "give it keys, as in config.yaml")
    return value


def _place(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Put named WaveNets and the common training settings where networks refer to them; a row is a stack by default."""
    placed = choose_rows(raw)
    wavenets = _mapping(placed.pop("wavenets", None), "wavenets")
    common = _mapping(placed.pop("training", None), "training")
    if isinstance(models := placed.get("models"), Mapping):
        placed["models"] = {
            name: {"kind": STACK, **model} if isinstance(model, Mapping) else model for name, model in models.items()
        }
    for section, key in (
        ("adas", "local_model"),
        ("priors", "wavenet"),
        ("vqvaes", ""),
        ("decoders", "local_model"),
        ("mel2mels", ""),
        ("vocoders", "local_model"),
        ("part_models", ""),
        ("transformers", ""),
    ):
        if section not in placed:
            continue
        parts = {}
        for name, part in _mapping(placed[section], section).items():
            part = dict(_mapping(part, f"{section}.{name}"))
            shape = part.get(key)
            if isinstance(shape, str):
                if shape not in wavenets:
                    raise ConfigError(
                        f"{section}.{name}.{key} names {shape!r}{suggest(shape, wavenets, 'wavenets')}",
                        "use a name from wavenets, or write the shape in place",
                    )
                part[key] = wavenets[shape]
            part["training"] = merge(common, _mapping(part.get("training"), f"{section}.{name}.training"))
            parts[name] = part
        placed[section] = parts
    return placed


def parse(raw: Mapping[str, Any]) -> Config:
    """Check a configuration that was read from YAML.

    Raises:
        ConfigError: naming every wrong key with what is wrong about it.
    """
    try:
        return Config.model_validate(_place(raw))
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        lines = [_describe(item["loc"], item["type"], item["msg"], item.get("input")) for item in mistakes[:SHOWN]]
        if len(mistakes) > SHOWN:
            lines.append(f"and {len(mistakes) - SHOWN} more")
        raise ConfigError(
            "the configuration is not valid:\n" + "\n".join(f"    {line}" for line in lines),
            "mend these keys in config.yaml, or in the file given with --configfile",
        ) from None


def _describe(location: tuple[int | str, ...], kind: str, message: str, value: object) -> str:
    # pydantic puts the kind of a bottleneck and of a row into the path, where the file has no such key:
    # adas.NAME.bottleneck.KIND, models.NAME.KIND, part_models.NAME.KIND
    parts = location[:3] + location[4:] if location[2:3] == ("bottleneck",) else location
    parts = location[:2] + location[3:] if location[:1] in (("models",), ("part_models",)) else parts
    if kind == "union_tag_invalid":
        parts = (*parts, "kind")
    path = ".".join(map(str, parts)) or "(top level)"
    if kind == "extra_forbidden":
        return f"{path}: unknown key{nearest_of(str(location[-1]), _keys_beside(location))}"
    if kind == "missing":
        return f"{path}: missing, and it has no default"
    if kind == "value_error":
        return f"{path}: {message.removeprefix('Value error, ')}"
    return f"{path}: {message} (it is {shown(value)})"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section of a mistyped one has, in their order."""
    found: list[object] = [Config]
    for part in location[:-1]:
        found = [inner for annotation in found for inner in _inside(annotation, part)]
    keys = [key for section in found for own in _sections(section) for key in own.model_fields]
    return [*keys, *PLACED] if len(location) == 1 else keys


def _inside(annotation: object, part: int | str) -> list[object]:
    """What a part of pydantic's path leads to: a section's field, a value of a mapping or a sequence, one of kinds."""
    sections = _sections(annotation)
    if len(sections) > 1:
        return [each for each in sections if part in get_args(each.model_fields["kind"].annotation)]
    if sections:
        fields = sections[0].model_fields
        return [fields[part].annotation] if part in fields else []
    if get_origin(annotation) in UNIONS:
        return [found for inner in get_args(annotation) for found in _inside(inner, part)]
    # of a mapping its values, of a sequence its elements
    return list(get_args(annotation))


def _sections(annotation: object) -> list[type[Section]]:
    """The section that an annotation is, or the sections that it is one of."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    if get_origin(annotation) not in UNIONS:
        return []
    return [found for inner in get_args(annotation) for found in _sections(inner)]


def load(*paths: Path) -> Config:
    """Read YAML files, each laid over those before it, and check the whole."""
    raw: dict[str, Any] = {}
    for path in paths:
        raw = merge(raw, read_yaml(path))
    return parse(raw)
