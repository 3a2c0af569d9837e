"""What every command shares: a typer app from one function, errors that people can act on, logs on stderr."""

import errno
import logging
import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel, ValidationError

from descant.errors import ConfigError, DescantError
from descant.runs.interruption import EXIT_INTERRUPTED, Interrupted

S = TypeVar("S", bound=BaseModel)


def run(function: Callable[..., None]) -> NoReturn:
    """Run a function as a command line, and end the process.

    Its docstring is the help; its parameters, with ``typer.Option`` in ``Annotated``, are the options. One that is
    a list takes all values that follow it, as Snakemake writes a list of inputs: ``--tables a b c``. A
    :class:`DescantError` is printed to stderr as problem and cure, with exit code 1 and no traceback; any
    other exception is a defect and keeps its traceback.

    Args:
        function: typed, returning nothing.

    Raises:
        SystemExit: always, with the exit code.
    """
    form = "%(asctime)s %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=form, datefmt="%H:%M:%S")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(function)
    try:
        app(args=_spread(sys.argv[1:], function))
    except DescantError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.EDQUOT):
            raise
        message = f"error: {error.filename or 'a file'} cannot be written or read: {error.strerror}"
        print(f"{message}\n  cure: free disk space or mend the permissions, then run again", file=sys.stderr)
        raise SystemExit(1) from None
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        raise SystemExit(EXIT_INTERRUPTED) from None
    raise SystemExit(0)


def _spread(arguments: list[str], function: Callable[..., None]) -> list[str]:
    """Write the options that are lists as click wants them: ``--tables a --tables b``."""
    hints = get_type_hints(function)
    lists = {f"--{name.replace('_', '-')}" for name, hint in hints.items() if _is_list(hint)}
    spread: list[str] = []
    current = ""
    for argument in arguments:
        if argument.startswith("--"):
            current = argument if argument in lists else ""
        spread += [] if argument == current else [current, argument] if current else [argument]
    return spread


def _is_list(hint: object) -> bool:
    return get_origin(hint) is list or any(get_origin(part) is list for part in get_args(hint))


def parse_settings(section: type[S], text: str) -> S:
    """Read a section of the configuration from the JSON text that a rule hands over.

    Args:
        section: for example :class:`descant.config.corpus.Corpus`.
        text: JSON.

    Returns:
        The checked section.

    Raises:
        ConfigError: naming every wrong key.
    """
    try:
        return section.model_validate_json(text)
    except ValidationError as error:
        places = {".".join(map(str, item["loc"])) or "(whole)": item["msg"] for item in error.errors()}
        lines = "\n".join(f"    {place}: {message}" for place, message in places.items())
        raise ConfigError(
            f"--settings is not a valid {section.__name__} section:\n{lines}",
            "mend these keys in config.yaml; by hand, give JSON such as '{}' for all defaults",
        ) from None
