"""The separator that the configuration names, and what spleeter's network runs on."""

from importlib.metadata import version
from pathlib import Path
from typing import Literal

from descant.config.corpus import Separation
from descant.separation.separator import NetworkSeparator, SeparationError, Separator

Backend = Literal["tensorflow", "torch"]


def backend(settings: Separation, has_tensorflow: bool) -> Backend:
    """What spleeter's network runs on.

    Args:
        settings: the configuration's section.
        has_tensorflow: whether spleeter's own environment is there or can be made.

    Raises:
        SeparationError: when TensorFlow is asked for where it cannot be had.
    """
    if settings.backend == "tensorflow" and not has_tensorflow:
        raise SeparationError(
            "separation.backend is tensorflow, but spleeter's has wheels for Python 3.11 on Linux x86-64 only",
            "use separation.backend: torch, the same network with the same weights, or auto",
        )
    if settings.backend == "auto":
        return "tensorflow" if has_tensorflow else "torch"
    return settings.backend


def library_versions(interpreter: Path | None) -> str:
    """The libraries whose versions shape what a network separates, as text.

    Args:
        interpreter: text file that names the Python of spleeter's environment; None for torch.
    """
    names = ["soxr"]
    packages: list[str] = []
    if interpreter is None:
        names.append("torch")
    else:
        python = Path(interpreter.read_text(encoding="utf-8").strip())
        packages = sorted(path.name for path in python.parent.parent.glob("lib/*/site-packages/*.dist-info"))
    return " ".join([*(f"{name}-{version(name)}" for name in names), *packages])


def separator(settings: Separation, weights: Path | None, interpreter: Path | None, threads: int) -> Separator:
    """Make the separator that the configuration names; a network is loaded once.

    Args:
        settings: the configuration's section, whose method is not 'none'.
        weights: folder of spleeter's models, unless the settings name one.
        interpreter: text file that names the Python of spleeter's environment; for TensorFlow.
        threads: of the CPU.

    Raises:
        SeparationError: when it cannot be made.
        ModelFileError: when its weights cannot be read.
    """
    if settings.method == "stems":
        from descant.separation.stems import StemFiles

        return StemFiles(Path(settings.stems_folder or ""), settings.stem)
    folder = Path(settings.weights) if settings.weights else weights
    if folder is None:
        raise SeparationError("spleeter needs weights", "give --weights a folder with 2stems in it")
    chosen = backend(settings, interpreter is not None)
    name = f"{settings.model} ({chosen})"
    if chosen == "torch" or interpreter is None:
        # torch takes seconds to import, and not every method needs it
        from descant.separation.spleeter_torch import SpleeterTorch

        return NetworkSeparator(name, SpleeterTorch.load(folder, threads))
    from descant.separation.spleeter_process import SpleeterProcess

    python = Path(interpreter.read_text(encoding="utf-8").strip())
    return NetworkSeparator(name, SpleeterProcess(python, settings.model, folder, threads))
