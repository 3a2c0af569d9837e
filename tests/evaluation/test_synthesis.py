"""Nearness of vocoders and Mel2Mels: 1 for the recording itself, floors beneath, pieces together, instruments apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from page_reading import make_page, read_page
from recordings import melody
from waveforms import record

from descant.audio import mulaw
from descant.audio.rendered import write_rendered
from descant.evaluation.reconstruction import OTHER, instruments_of, others_of, pieces_of
from descant.evaluation.reconstruction_results import read_material
from descant.evaluation.renderings import RenderingsGiven
from descant.evaluation.synthesis import (
    INSTRUMENT,
    SHUFFLED,
    SynthesisSummary,
    measure,
    octave_means,
    on_another_instrument,
)
from descant.report.pages.front import read_finding
from descant.report.pages.synthesis import choose_excerpts
from descant.results import read_json
from descant.sequences import Labels, SequenceWriter, Track

RATE, SECONDS = 16000, 3.0
INSTRUMENTS = ("Acoustic Grand Piano", "Church Organ")


def labels(piece: int, instrument: str) -> Labels:
    brackets = "" if instrument == INSTRUMENTS[0] else f" ({instrument})"
    return Labels(f"Piece {piece}{brackets}", "A. Composer", "", instrument)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> RenderingsGiven:
    """Three pieces on two instruments: what gives the recordings back, and what gives another piece for two of six."""
    folder, recordings = tmp_path_factory.mktemp("synthesis"), []
    for piece in range(3):
        for place, instrument in enumerate(INSTRUMENTS):
            audio = melody(10 * piece + place, SECONDS, RATE)[:, 0].astype(np.float32)
            recordings.append((f"{piece}{place}", "test", audio, labels(piece, instrument)))
    with SequenceWriter(folder / "audio", mulaw.CLASSES, 1, RATE) as writer:
        for track, split, audio, named in recordings:
            writer.add(track, split, named, iter([mulaw.encode(audio)]))
    record(folder / "waveform", recordings, RATE)
    true = [audio for _, _, audio, _ in recordings]
    # what is made of true frames has one excerpt wrong, what is predicted two more
    for name, sounds in (("true", [*true[:5], true[0]]), ("predicted", [*true[2:4], *true[2:5], true[0]])):
        (folder / name).mkdir()
        write_rendered(folder / name, sounds, len(sounds), RATE)
    return RenderingsGiven.model_validate(
        {
            "reconstruction": {"seconds": SECONDS, "excerpts": 6},
            "audio": folder / "audio" / "data.npy",
            "recordings": folder / "waveform" / "data.npy",
            "evaluation": {},
            "seed": 1,
            "vocoded": [
                {"title": "true mel, v", "sound": folder / "true"},
                {"title": "m, v", "sound": folder / "predicted", "of_true_frames": "true mel, v"},
            ],
        }
    )


def test_octaves_are_means_of_twelve_pitches_that_are_defined() -> None:
    pitches = np.random.default_rng(1).standard_normal((3, 84))
    pitches[0, :14] = np.nan
    found = octave_means(pitches)
    assert np.isnan(found[0, 0]) and found[0, 1] == pytest.approx(pitches[0, 14:24].mean())
    assert found[1:] == pytest.approx(pitches[1:].reshape(2, 7, 12).mean(2))


def test_pieces_and_instruments_are_told_apart(given: RenderingsGiven) -> None:
    material = read_material(given, wanted=True)
    pieces = pieces_of(material.stretches)
    assert pieces == [f"A. Composer: Piece {number}" for number in (0, 0, 1, 1, 2, 2)]
    others = others_of(pieces)
    assert others is not None and all(pieces[other] != piece for other, piece in zip(others, pieces, strict=True))
    assert others_of(["a", "a"]) is None
    swapped = on_another_instrument(material)
    assert swapped is not None
    for place, audio in enumerate(swapped):
        assert np.array_equal(audio, material.originals[place ^ 1])
    # of one instrument, it is not the same one again
    alone = replace(material, stretches=[*material.stretches[:1] * 2, material.stretches[1]])
    other = on_another_instrument(alone)
    assert other is not None and [np.array_equal(one, material.originals[2]) for one in other] == [True, True, False]
    # the first of every instrument is heard before a second one
    assert [instruments_of(material.stretches)[place] for place in choose_excerpts(material.stretches, 2)] == list(
        INSTRUMENTS
    )
    assert len(choose_excerpts(material.stretches, 100)) == 6


@pytest.fixture(scope="module")
def measured(given: RenderingsGiven, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    measure(given, folder)
    return folder / "summary.json"


def test_the_recording_is_near_itself_and_floors_are_not(measured: Path) -> None:
    summary = read_json(SynthesisSummary, measured)
    assert (summary.excerpts, summary.pieces) == (6, 3)
    assert summary.missing == ["not reported: intervals: 3 test pieces long enough, 5 needed"]
    found = {name: one.correlation.value for name, one in summary.renderings.items() if one.correlation}
    octaves = [one.value for one in summary.renderings["true mel, v"].octaves if one]
    assert found["true mel, v"] > 0.8 and max(octaves) <= 1
    instruments = summary.renderings["true mel, v"].instruments
    assert instruments[INSTRUMENTS[0]].value == pytest.approx(1, abs=1e-3)
    assert summary.renderings["true mel, v"].share is None
    for floor in (OTHER, INSTRUMENT, SHUFFLED):
        assert found[floor] < 0.9
    predicted = summary.renderings["m, v"]
    assert predicted.share is not None
    assert predicted.share.value == pytest.approx(found["m, v"] / found["true mel, v"], abs=1e-6)
    assert set(predicted.instruments) == set(INSTRUMENTS) and len(predicted.octaves) == 7
    assert 0.3 < found["m, v"] < found["true mel, v"] - 0.2
    words = str(read_finding("synthesis", measured, {}, ()))
    assert f"m, v {found['m, v']:.2f}" in words and "of its vocoder" in words


def test_the_page_plays_every_rendering_with_its_score(given: RenderingsGiven, measured: Path, tmp_path: Path) -> None:
    tracks: Sequence[Track] = read_material(given, wanted=True).audio.tracks()
    for name, channels in (("roll", 176), ("mel", 80), ("predicted", 80)):
        with SequenceWriter(tmp_path / name, 0, 128, RATE, channels=channels, dtype=np.float16) as writer:
            for track in tracks:
                blank = np.zeros((-(-track.length // 128), channels), np.float16)
                writer.add(track.track, track.split, track.labels, iter([blank]))
    html = make_page(
        "synthesis",
        tmp_path / "page.html",
        reconstruction={"seconds": SECONDS, "excerpts": 6},
        audio=given.audio,
        recordings=given.recordings,
        summary=measured,
        vocoded=[one.model_dump(mode="json") for one in given.vocoded],
        roll=tmp_path / "roll" / "data.npy",
        frames={"mel": tmp_path / "mel" / "data.npy", "predicted": tmp_path / "predicted" / "data.npy"},
    )
    page = read_page(html, str(tmp_path))
    # four excerpts, each as recorded and made by two
    assert len(page.all("audio")) == 12
    assert "A. Composer: Piece 0, Church Organ" in page.text and "0.979" in page.text
