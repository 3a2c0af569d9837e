"""Reading a file of the configuration: YAML in which nothing is dropped, and nothing is read as something else."""

from collections.abc import Iterator
from pathlib import Path
from re import compile as pattern
from typing import Any

import yaml

from descant.errors import ConfigError, shown

# far more than any configuration holds: what passes these was not written by a person (ours)
MAX_BYTES = 1 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 50
SHOWN_MISTAKES = 20

TAG = "tag:yaml.org,2002:"
Mistake = tuple[int, str]
PLAIN = frozenset({f"{TAG}{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map", "merge")})
LEADING_ZERO = pattern(r"[-+]?0[0-9_]+")
BASE_SIXTY = pattern(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


class _Loader(yaml.SafeLoader):
    """The safe loader, which also reads ``1e-3`` as a number: YAML 1.1 wants a dot and a sign in it."""

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Open a bracket; every token takes time by the number of those that are open."""
        if self.flow_level >= MAX_DEPTH:
            raise RecursionError
        super().fetch_flow_collection_start(token)


_Loader.add_implicit_resolver(
    f"{TAG}float", pattern(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML mapping with the safe loader.

    Args:
        path: of the file, UTF-8.

    Returns:
        Its keys and values.

    Raises:
        ConfigError: when the file is missing, is not YAML or is not a mapping; when a mapping names a key twice; when
            YAML 1.1 would read something else than what stands there: ``0400`` (octal), ``1:30`` (base 60), dates, and
            keys that are no text; when aliases expand to more than a person writes. Every line is named.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ConfigError(f"{path} has more than {MAX_BYTES >> 20} MiB", "name a file of the configuration")
        loader = _Loader(content.decode("utf-8-sig"))
        node = loader.get_single_node()
        if node is not None:
            _check(node, path)
        # numbers of thousands of digits and nesting without end are no YAMLError
        raw = None if node is None else loader.construct_document(node)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", "mend the line it names") from error
    except RecursionError:
        raise ConfigError(f"{path} nests too deeply", f"nest at most {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise ConfigError(f"{path} cannot be read: {error}", "save it as UTF-8 text, with numbers that fit") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds no mapping", "start from the shipped config.yaml")
    return raw


def _check(root: yaml.Node, path: Path) -> None:
    _expanded(root, {}, path, 0)
    mistakes = sorted(_mistakes(root, set()))
    if mistakes:
        lines = [f"    line {line}: {mistake}" for line, mistake in mistakes[:SHOWN_MISTAKES]]
        if len(mistakes) > SHOWN_MISTAKES:
            lines.append(f"    and {len(mistakes) - SHOWN_MISTAKES} more")
        raise ConfigError(
            f"{path} would not be read as it is written:\n" + "\n".join(lines),
            "mend these lines: each key once in its section, text that looks like something else in quotes",
        )


def _expanded(node: yaml.Node, counted: dict[int, int], path: Path, depth: int) -> int:
    """How many values a node stands for with its aliases written out; 0 marks one that is being counted."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"{path}, line {_line(node)}: nested too deeply", f"nest at most {MAX_DEPTH} levels")
    if id(node) in counted:
        if not counted[id(node)]:
            raise ConfigError(f"{path}, line {_line(node)}: an anchor that holds itself", "write its values out")
        return counted[id(node)]
    counted[id(node)] = 0
    total = 1 + sum(_expanded(child, counted, path, depth + 1) for child in _children(node))
    if total > MAX_VALUES:
        raise ConfigError(
            f"{path}, line {_line(node)}: aliases repeat one another to more than {MAX_VALUES:,} values",
            "write out what is meant; an alias for a section that is used again is enough",
        )
    counted[id(node)] = total
    return total


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _mistakes(node: yaml.Node, seen: set[int]) -> Iterator[Mistake]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.tag not in PLAIN or isinstance(node, yaml.ScalarNode):
        yield from _misread(node)
    if isinstance(node, yaml.MappingNode):
        yield from _keys(node)
        for _, value in node.value:
            yield from _mistakes(value, seen)
    else:
        for child in _children(node):
            yield from _mistakes(child, seen)


def _misread(node: yaml.Node) -> Iterator[Mistake]:
    """What YAML 1.1 makes of a value that says something else to a reader."""
    text = shown(node.value) if isinstance(node.value, str) else "a value"
    if node.tag == f"{TAG}timestamp":
        yield _line(node), f'{node.value} is read as a date; write "{node.value}" in quotes'
    elif node.tag not in PLAIN:
        yield _line(node), f"{text} has the tag {node.tag.removeprefix(TAG)}, which has no meaning here; leave it out"
    elif not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return
    elif node.tag != f"{TAG}str" and BASE_SIXTY.fullmatch(node.value):
        yield _line(node), f'{text} is read as a number in base 60; write it out, or "{node.value}" for text'
    elif LEADING_ZERO.fullmatch(node.value):
        plain = node.value.lstrip("+-0_") or "0"
        yield _line(node), f'{text} begins with 0, which makes it octal; write {plain}, or "{node.value}" for text'


def _keys(node: yaml.MappingNode) -> Iterator[Mistake]:
    first: dict[str, yaml.Node] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            yield _line(key), "a key that is a list or a mapping; keys are text"
        elif key.tag not in (f"{TAG}str", f"{TAG}merge"):
            yield _line(key), f"the key {shown(key.value)} is not read as text; write it in quotes"
        elif key.value in first:
            yield _line(key), f"{shown(key.value)} is named a second time, first in line {_line(first[key.value])}"
        else:
            first[key.value] = key


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
