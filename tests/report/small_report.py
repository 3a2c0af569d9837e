"""A report of two models, built by the commands that the pipeline runs, from melodies of a few seconds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from page_reading import make_page
from recordings import melody
from small_models import model_file
from waveforms import record

from descant.audio import mulaw
from descant.commands.decode import decode
from descant.commands.table import table
from descant.config.networks import ADA, Prior
from descant.modelfile import write_model
from descant.sequences import Labels, SequenceWriter, open_sequence

RATE = 16000
SECONDS = 2.0
WAVENET = {"stacks": 1, "layers_per_stack": 4, "residual_channels": 2, "gate_channels": 2, "skip_channels": 2}
TRAINING = {"steps": 30, "batch": 2, "window": 800}
HOSTILE = "<b>bold</b> \"&' {{ 7*7 }} $x^2$"
TITLES = {"flat": "Plain WaveNet", "other": f"Another = {HOSTILE}", "deep": "hop-8 VQ-VAE + WaveNet"}
PAGES = ["index", *(f"players/{model}={title}" for model, title in TITLES.items()), "table", "curves"]
SCORE = {"mean": 3.82, "plus_minus": 0.18}


def classes(seed: int, seconds: float) -> np.ndarray:
    """Mu-law classes ``(samples,)`` of a melody."""
    return mulaw.encode(melody(seed, seconds, RATE)[:, 0])


def write_models(folder: Path, fingerprint: str) -> dict[str, list[Path]]:
    """Model files of each row, the prior's first."""

    def model(name: str, kind: str, sequence: str, hop: int, data: str) -> Path:
        path = folder / f"{name}.safetensors"
        section = ADA if kind == "ada" else Prior
        shape = (
            {"hop": 8, "bottleneck": {"kind": "vq"}, "local_model": WAVENET} if kind == "ada" else {"wavenet": WAVENET}
        )
        settings = section.model_validate({**shape, "training": TRAINING}).model_dump(mode="json")
        weights = {"x": torch.zeros(1)}
        facts = {"name": sequence, "classes": 256, "hop": hop, "sample_rate": RATE, "fingerprint": data}
        write_model(path, model_file(kind, settings, weights, steps=30, **facts))
        return path

    plain = model("plain", "wavenet", "audio", 1, fingerprint)
    stack = [model("codes", "wavenet", "ada8", 8, "codes"), model("ada8", "ada", "audio", 1, fingerprint)]
    return {"flat": [plain], "other": [plain], "deep": stack}


def build_report(folder: Path) -> Path:
    """Build it.

    Args:
        folder: where what the pages are made from goes, and ``results/report``.

    Returns:
        The first page.
    """
    report = folder / "results" / "report"
    with SequenceWriter(folder / "audio", mulaw.CLASSES, 1, RATE) as writer:
        for number in range(8):
            split = "test" if number < 5 else "train" if number < 7 else "validation"
            labels = Labels(f"Piece {number}", HOSTILE if number % 2 else "A. Composer", "")
            writer.add(f"{number:016x}", split, labels, iter([classes(number, 4.0)]))
    music = open_sequence(folder / "audio")
    recordings = [(t.track, t.split, mulaw.decode(music.steps(t)), t.labels) for t in music.tracks()]
    record(folder / "waveform", recordings, RATE)
    models = write_models(folder, open_sequence(folder / "audio").fingerprint)
    rows = []
    for place, (model, title) in enumerate(TITLES.items()):
        np.save(folder / "level0.npy", np.stack([classes(100 * place + 50 + n, SECONDS) for n in range(2)]))
        decode(folder / "level0.npy", RATE, title, folder / model / "audio")
        bits = []
        for level in range(len(models[model])):
            path = folder / f"{model}{level}.parquet"
            steps = np.full(5, 16000 // 8**level)
            random = np.random.default_rng(place)
            frame = {"track": list("abcde"), "steps": steps, "samples": 16000}
            pd.DataFrame(frame).assign(bits=steps * random.uniform(3, 4, 5)).to_parquet(path)
            bits.append(str(path))
        paper = {"receptive_field_ms": 384, "fidelity": SCORE, "musicality": SCORE} if model == "flat" else None
        row = {"model": model, "title": title, "note": "", "beginning": "", "levels": len(bits), "receptive_field": 511,
               "trained_steps": 400, "bits": bits, "paper": paper}  # fmt: skip
        rows.append(json.dumps(row))
        make_page(f"players/{model}", report / "players" / f"{model}.html", PAGES, title=title, note=HOSTILE,
                  drawn=folder / model / "audio", models=models[model], audio=folder / "audio/data.npy",
                  recordings=folder / "waveform/data.npy", excerpts=1)  # fmt: skip
    table(rows, "{}", RATE, csv=folder / "table.csv", markdown=folder / "table.md", latex=folder / "table.tex",
          tracks=folder / "tracks.csv")  # fmt: skip
    make_page("table", report / "table.html", PAGES, table=folder / "table.csv")
    metrics = folder / "metrics.csv"
    lines = [f"{step},{split},bits,{8 / step}" for step in range(1, 9) for split in ("train", "validation")]
    metrics.write_text("\n".join(["step,split,metric,value", *lines]) + "\n")
    make_page("curves", report / "curves.html", PAGES, metrics={"plain": metrics})
    summary = folder / "novelty.json"
    verdict = {"verdict": f"Nothing was found. {HOSTILE}", "models": {}, "floor_share": None, "missing": ["too short"]}
    summary.write_text(json.dumps(verdict))
    names = [page.partition("=")[0] for page in PAGES]
    make_page("index", report / "index.html", PAGES, **front_given(folder), summaries={"novelty": summary}, pages=names)
    return report / "index.html"


def front_given(folder: Path) -> dict[str, object]:
    """What the first page is made from, in the folder of a report."""
    return {
        "table": folder / "table.csv",
        "audio": folder / "audio/data.npy",
        "recordings": folder / "waveform/data.npy",
        "models": [folder / f"{name}.safetensors" for name in ("plain", "codes", "ada8")],
        "drawn": {model: folder / model / "audio" for model in TITLES},
        "source": "Melodies of sines.",
    }
