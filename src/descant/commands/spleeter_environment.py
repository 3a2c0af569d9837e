"""``spleeter_environment``: make the Python environment that the real spleeter runs in.

Standard library only, unlike the other commands: with ``--sdm conda`` it runs on conda's Python, where nothing else is.
"""

import argparse
import sys
from pathlib import Path

from descant.errors import DescantError
from descant.separation.spleeter_environment import spleeter_python


def main() -> None:
    """Make the environment, unless it is there, and write down which Python runs it."""
    parser = argparse.ArgumentParser(
        prog="python -m descant.commands.spleeter_environment",
        description="Make the environment that spleeter runs in from hash-checked wheels, unless it is there already.",
    )
    parser.add_argument("--lock", type=Path, required=True, help="requirements with hashes")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the environment")
    parser.add_argument("--output", type=Path, required=True, help="text file to write: the path of its Python")
    options = parser.parse_args()
    try:
        python = spleeter_python(options.lock, options.folder)
    except DescantError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(f"{python}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
