"""The page: self-contained, shows what was kept, dropped and not reported; pictures have fixed bytes."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from known_sounds import RATE, clicks, noise, tones
from page_reading import make_page, read_page
from PIL import Image
from waveforms import record, render

from descant.config.evaluation import Evaluation
from descant.config.structure import Structure, Transcription
from descant.errors import ResultError
from descant.evaluation.structure import compare
from descant.evaluation.structure.compare import Drawn, Folders, StructureGiven, StructureSummary
from descant.evaluation.structure.conditions import Material, open_material
from descant.evaluation.structure.files import read_measures, read_notes, read_similarity
from descant.evaluation.structure.measure import Gathered, measure_excerpt
from descant.evaluation.transcription.excerpts import transcribe_excerpts
from descant.evaluation.transcription.notes import Note
from descant.report.pictures import roll_png, similarity_png
from descant.results import read_json
from descant.sequences import Labels

SETTINGS = Structure(excerpts=6)
TITLE = "A <b>model</b> & more"


def measure(material: Material, folder: Path) -> None:
    """Everything that the commands write of some excerpts."""
    gathered = Gathered()
    found = list(material.excerpts)
    for condition, excerpt in found:
        gathered.add(condition, excerpt, measure_excerpt(excerpt, material.sample_rate))
    (folder / "structure").mkdir(parents=True)
    (folder / "transcription").mkdir()
    gathered.write(folder / "structure")
    transcribe_excerpts(found, material.sample_rate, Transcription(), 1, 1, folder / "transcription")


def a_run(folder: Path, tracks: int, seconds: float) -> dict[str, object]:
    """Real tracks with a pulse, a model that draws noise, measured and compared."""
    music = [clicks(90 + 5 * n, seconds) + 0.2 * tones([60, 64, 67, 72], seconds) for n in range(tracks)]
    record(folder / "waveform", [(f"t{n}", "test", audio, Labels()) for n, audio in enumerate(music)], RATE)
    render(folder / "drawn", np.stack([noise(seed, seconds) for seed in range(6)]), RATE)
    measure(open_material(folder / "waveform", None, seconds, SETTINGS, 1), folder / "real")
    measure(open_material(None, folder / "drawn", seconds, SETTINGS, 1), folder / "model")
    real, drawn = (
        {part: folder / name / part for part in ("structure", "transcription")} for name in ("real", "model")
    )
    sources = {"real": Folders(**real), "rows": [Drawn(model="hop8", title=TITLE, **drawn)]}
    compare.measure(
        StructureGiven(evaluation=Evaluation(bootstrap_draws=200), seed=1, seconds=seconds, **sources), folder
    )
    files = {name: folder / f"{name}.csv" for name in ("table", "separation", "curves")}
    rows = [{"model": "hop8", "title": TITLE, **drawn}]
    return {**files, "summary": folder / "summary.json", "real": real, "rows": rows}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("structure")
    return folder, a_run(folder, 5, 4.0)


def test_the_page_is_self_contained_and_shows_what_was_kept(finished: tuple[Path, dict[str, object]]) -> None:
    folder, given = finished
    html = make_page("structure", folder / "page.html", **given)
    summary = json.loads((folder / "summary.json").read_text())
    page = read_page(html, str(folder))
    assert "<b>model</b>" not in html and TITLE in page.text and "pulse_clarity" in summary["kept"]
    assert "5 excerpts of 5 test tracks and 6 of each model" in page.text
    assert "Pulse clarity" in page.text and "Dropped: does not separate real from shuffled real here" in page.text
    assert "95\N{NO-BREAK SPACE}% interval" in page.text and "Trust it for piano" in page.text
    assert "In white noise it finds" in page.text
    assert sum(picture["width"] == "520" for picture in page.all("img")) == len(page.all("img")) == 4
    for heading in summary["dropped"]:
        assert heading not in page.text
    assert html == make_page("structure", folder / "page.html", **given)


@pytest.mark.parametrize(("tracks", "seconds"), [(1, 0.1), (0, 0.1), (1, 2.5)])
def test_little_music_stops_nothing(tmp_path: Path, tracks: int, seconds: float) -> None:
    page = read_page(make_page("structure", tmp_path / "page.html", **a_run(tmp_path, tracks, seconds)), str(tmp_path))
    assert "Not reported" in page.text
    if seconds < 2:
        assert "no measure of structure is defined" in page.text
    if tracks == 0:
        assert "no test track is as long as an excerpt" in page.text
    if seconds > 2:
        assert "too few test tracks" in page.text.replace("\n", " ")
    assert "nan" not in (tmp_path / "summary.json").read_text().lower()


def test_pictures_have_fixed_bytes_and_sizes() -> None:
    matrices = np.random.default_rng(1).uniform(-1, 1, (2, 16, 16))
    matrices[:, 3] = np.nan
    notes = [Note(0.0, 1.0, 60, 0.3), Note(1.5, 4.0, 90, 1.0)]
    for drawn, again, size in (
        (similarity_png(matrices), similarity_png(matrices), (520, 270)),
        (roll_png(notes, 4.0), roll_png(notes, 4.0), (520, 230)),
        (roll_png([], 4.0), roll_png([], 4.0), (520, 230)),
    ):
        assert drawn == again
        image = Image.open(io.BytesIO(drawn))
        assert image.size == size and not image.info.get("Software")
    assert roll_png(notes, 4.0) != roll_png([], 4.0)


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "measures.csv").write_text("condition,group,start\n", encoding="utf-8")
    real = Folders(structure=tmp_path, transcription=tmp_path)
    given = StructureGiven(evaluation=Evaluation(), seed=1, seconds=1.0, real=real, rows=[])
    with pytest.raises(ResultError, match=r"curves\.csv cannot be read"):
        compare.read_sources(given)
    with pytest.raises(ResultError, match=r"measures\.csv cannot be read"):
        read_measures(tmp_path, tmp_path / "none")
    with pytest.raises(ResultError, match=r"similarity\.npy cannot be read"):
        read_similarity(tmp_path)
    with pytest.raises(ResultError, match=r"notes\.csv cannot be read"):
        read_notes(tmp_path)
    (tmp_path / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(ResultError, match=r"summary\.json"):
        read_json(StructureSummary, tmp_path / "summary.json")
