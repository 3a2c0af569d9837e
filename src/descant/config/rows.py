"""Which rows of the table are run: ``rows``, and rows that a file removes with ``null``.

A row that is not run leaves nothing behind: what only it needs is neither planned nor checked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from descant.config.base import suggest
from descant.errors import ConfigError, shown


def choose_rows(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the rows that are not run, and what only they need.

    Args:
        raw: the configuration as read, files laid over each other. What is of the wrong kind is left as it is.

    Returns:
        The same without ``rows``, without rows that are null or not among ``rows``, and, where any row was left out,
        without the ADAs, priors, VQ-VAEs, transformers, decoders, Mel2Mels, vocoders and models of parts that no other
        row names.
        A continuous ADA stays: no row could stand on it.

    Raises:
        ConfigError: when ``rows`` is no list of rows, or ``listening.models`` is left without any.
    """
    chosen = dict(raw)
    names = chosen.pop("rows", None)
    written = chosen.get("models")
    if not isinstance(written, Mapping):
        return chosen
    models = {name: model for name, model in written.items() if model is not None}
    kept = models if names is None else _named(models, names)
    if len(kept) == len(written):
        return chosen
    chosen["models"] = kept
    named = {
        "adas": [ada for model in kept.values() for ada in _names(model, "stack")],
        "priors": [_get(model, "prior") for model in kept.values()],
        "vqvaes": [level for model in kept.values() for level in _names(model, "levels")],
        "decoders": [_get(model, "decoder") for model in kept.values()],
        "mel2mels": [_get(model, "mel2mel") for model in kept.values()],
        "vocoders": [_get(model, "vocoder") for model in kept.values()],
        "part_models": [_get(model, "part_model") for model in kept.values()],
        "transformers": [name for model in kept.values() for name in _transformers(model)],
    }
    chosen |= {section: _needed(chosen[section], names) for section, names in named.items() if section in chosen}
    heard = _get(chosen.get("listening"), "models")
    if isinstance(heard, list | tuple):
        # a name that no row ever had stays, and is refused as a mistake
        left = [name for name in heard if name in kept or name not in written]
        if heard and not left:
            raise ConfigError(
                f"listening.models names {', '.join(map(shown, heard))}, and none of them is run",
                "name rows that are, or leave listening.models empty to hear all of them",
            )
        chosen["listening"] = {**chosen["listening"], "models": left}
    return chosen


def _named(models: Mapping[str, Any], names: object) -> dict[str, Any]:
    """The rows that ``rows`` names, in the order of the table."""
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"rows is no list of names (it is {shown(names)})", "write it as rows: [hop8, hop64]")
    if not names:
        raise ConfigError("rows is empty", "name at least one row, or leave the key out to run all of them")
    for name in names:
        if name not in models:
            raise ConfigError(f"rows names {name!r}{suggest(name, models, 'models')}", "use names from models")
    return {name: model for name, model in models.items() if name in names}


def _needed(parts: object, names: Sequence[object]) -> object:
    if not isinstance(parts, Mapping):
        return parts
    return {name: part for name, part in parts.items() if name in names or _is_continuous(part)}


def _is_continuous(part: object) -> bool:
    return _get(_get(part, "bottleneck"), "kind") == "continuous"


def _names(model: object, key: str) -> Sequence[object]:
    names = _get(model, key)
    return names if isinstance(names, list | tuple) else ()


def _transformers(model: object) -> Sequence[object]:
    upsamplers = _get(model, "upsamplers")
    return [_get(model, "prior"), *(upsamplers if isinstance(upsamplers, list | tuple) else ())]


def _get(section: object, key: str) -> object:
    return section.get(key) if isinstance(section, Mapping) else None
