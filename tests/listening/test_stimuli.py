"""Stimuli: the same items from every system, at one length and level, under names that reveal nothing."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from waveforms import record, render

from descant.audio.rendered import open_rendered
from descant.config.listening import Listening
from descant.errors import ListeningError
from descant.listening.files import Manifest, Stimulus, read_manifest, write_json
from descant.listening.loudness import measure, true_peak
from descant.listening.stimuli import Drawn, excerpts, opaque_name, write_stimuli
from descant.recordings import open_recordings, read_recording
from descant.sequences import Labels, PackedSequence

RATE = 16000
SECONDS = 0.6
ITEMS = 3
MODELS = ("alpha", "beta", "gamma")


def write_music(folder: Path, tracks: Sequence[tuple[str, float]]) -> PackedSequence:
    """Tracks of noisy tones, each a split and its seconds."""
    music = []
    for number, (split, seconds) in enumerate(tracks):
        random = np.random.default_rng(number)
        time = np.arange(round(seconds * RATE)) / RATE
        audio = 0.3 * np.sin(2 * np.pi * (200 + 90 * number) * time) + 0.05 * random.standard_normal(len(time))
        music.append((f"{number:016x}", split, audio, Labels()))
    return record(folder, music, RATE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Held-out music and what three models drew: noise, a click, and, from the last, silence and a constant."""
    folder = tmp_path_factory.mktemp("stimuli")
    write_music(folder / "music", [("train", 1.0), ("validation", 4.0), ("test", 3.0), ("test", 2.0)])
    length = round(SECONDS * RATE)
    noise = np.random.default_rng(0).standard_normal((ITEMS + 1, length))
    click = np.zeros((ITEMS + 1, length))
    click[:, length // 2] = 1
    stuck = np.stack([np.zeros(length), np.ones(length), noise[0] / 3, noise[1] / 9])
    for model, audio in zip(MODELS, (0.2 * noise, click + 0.001 * noise, stuck), strict=True):
        render(folder / model, np.clip(audio, -1, 1), RATE)
    return folder


def make(place: Path, into: Path, /, seed: int = 1, **over: object) -> Manifest:
    into.mkdir()
    settings = Listening.model_validate({"items": ITEMS, **over})
    drawn = [Drawn(model, open_rendered(place / model)) for model in MODELS]
    return write_stimuli(drawn, open_recordings(place / "music"), settings, seed, into)


@pytest.fixture(scope="module")
def made(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path]:
    folder = tmp_path_factory.mktemp("made") / "stimuli"
    return make(place, folder), folder


def read(folder: Path, stimulus: Stimulus) -> np.ndarray:
    audio, rate = soundfile.read(folder / stimulus.file)
    assert rate == RATE
    return np.asarray(audio)


def test_every_row_has_the_same_items(made: tuple[Manifest, Path]) -> None:
    manifest, _ = made
    rows: dict[str, list[int | None]] = {}
    for stimulus in manifest.of_kind("system", "real", "anchor"):
        rows.setdefault(stimulus.system, []).append(stimulus.item)
    assert set(rows) == {*MODELS, "real", "anchor_fidelity", "anchor_musicality"}
    assert all(sorted(items, key=str) == list(range(ITEMS)) for items in rows.values())


def test_files_are_as_the_manifest_says(made: tuple[Manifest, Path]) -> None:
    manifest, folder = made
    assert {path.name for path in folder.iterdir()} == {stimulus.file for stimulus in manifest.stimuli}
    for stimulus in manifest.stimuli:
        audio = read(folder, stimulus)
        assert hashlib.sha256((folder / stimulus.file).read_bytes()).hexdigest() == stimulus.sha256
        assert len(audio) / RATE == manifest.seconds == SECONDS
        assert abs(audio[0]) < 0.01 and abs(audio[-1]) < 0.01
        loudness, peak = measure(audio, RATE), true_peak(audio)
        assert stimulus.loudness == loudness.measured
        assert stimulus.lufs == (None if loudness.lufs is None else round(loudness.lufs, 3))
        assert stimulus.true_peak_dbtp == (None if peak is None else round(peak, 3))
        assert peak is None or peak <= -1


def test_the_level_does_not_reveal_a_clip(made: tuple[Manifest, Path]) -> None:
    manifest, _ = made
    for item in range(ITEMS):
        levels = [stimulus.lufs for stimulus in manifest.stimuli if stimulus.item == item and stimulus.lufs is not None]
        assert len(levels) >= 5
        assert max(levels) - min(levels) <= 0.5


def test_a_sample_keeps_its_number_as_item(place: Path, made: tuple[Manifest, Path]) -> None:
    manifest, folder = made
    for stimulus in manifest.of_kind("system"):
        if stimulus.system != "alpha":
            continue
        source, _ = soundfile.read(place / "alpha" / f"{stimulus.item:02}.flac")
        # below 20 Hz is taken out, and phases near to it turn
        between_fades = slice(RATE // 50, -RATE // 50)
        assert np.corrcoef(source[between_fades], read(folder, stimulus)[between_fades])[0, 1] > 0.98


def test_what_hangs_or_is_silent_is_reported_and_lowers_nobody(made: tuple[Manifest, Path]) -> None:
    manifest, _ = made
    silent = {(stimulus.system, stimulus.item) for stimulus in manifest.stimuli if stimulus.loudness == "silent"}
    assert silent == {("gamma", 0), ("gamma", 1)}


def test_controls_and_examples_are_not_clips_of_the_test(made: tuple[Manifest, Path]) -> None:
    manifest, folder = made
    known = {stimulus.system: stimulus for stimulus in manifest.of_kind("control", "training")}
    assert known["control_noise"].expected == {"fidelity": (1, 2), "musicality": (1, 2)}
    assert known["control_real"].expected == {"fidelity": (3, 5), "musicality": (3, 5)}
    assert known["training_good"].label == {"fidelity": 5, "musicality": 5}
    assert known["training_fidelity"].label == {"fidelity": 1}
    assert known["training_musicality"].label == {"musicality": 1}
    assert len({stimulus.sha256 for stimulus in manifest.stimuli}) >= len(manifest.stimuli) - 1
    noise = np.abs(np.fft.rfft(read(folder, known["control_noise"]))) ** 2
    assert noise[: len(noise) // 2].sum() == pytest.approx(noise[len(noise) // 2 :].sum(), rel=0.1)


def test_equal_settings_give_equal_bytes_and_another_seed_other_names(
    place: Path, made: tuple[Manifest, Path], tmp_path: Path
) -> None:
    manifest, folder = made
    again = make(place, tmp_path / "again")
    assert again == manifest
    assert all(
        (tmp_path / "again" / stimulus.file).read_bytes() == (folder / stimulus.file).read_bytes()
        for stimulus in manifest.stimuli
    )
    other = make(place, tmp_path / "other", seed=2)
    assert not {stimulus.name for stimulus in other.stimuli} & {stimulus.name for stimulus in manifest.stimuli}
    assert other.design != manifest.design


@pytest.mark.parametrize("over", [{"lufs": -30}, {"raters": 7}, {"type": "ab"}, {"items": 2}])
def test_what_defines_the_test_changes_its_fingerprint(
    place: Path, made: tuple[Manifest, Path], tmp_path: Path, over: dict[str, object]
) -> None:
    assert make(place, tmp_path / "other", **over).design != made[0].design


@pytest.mark.parametrize(
    "over", [{"folder": "elsewhere"}, {"port": 81}, {"must_hear": False}, {"assumed": {"rater": 1.0}}]
)
def test_what_does_not_define_it_leaves_it(
    place: Path, made: tuple[Manifest, Path], tmp_path: Path, over: dict[str, object]
) -> None:
    assert make(place, tmp_path / "same", **over).design == made[0].design


def test_names_are_opaque_and_equal_clips_have_names_of_their_own() -> None:
    digest = hashlib.sha256(b"clip").hexdigest()
    names = {opaque_name(digest, number, 1) for number in (1, 2)} | {opaque_name(digest, 1, 2)}
    assert len(names) == 3
    assert all(len(name) == 16 for name in names)


def test_clips_can_be_shorter_than_what_was_drawn(place: Path, tmp_path: Path) -> None:
    manifest = make(place, tmp_path / "short", seconds=0.25)
    assert manifest.seconds == 0.25
    assert {stimulus.loudness for stimulus in manifest.stimuli} == {"block", "silent"}


def test_what_a_sample_was_primed_with_is_not_heard(tmp_path: Path) -> None:
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, RATE))
    primed = Drawn("primed", render(tmp_path / "r", audio, RATE, primed=RATE // 2))
    np.testing.assert_allclose(primed.clip(0, RATE), audio[0, RATE // 2 :], atol=2**-15)
    assert len(primed.clip(0, RATE // 2)) == RATE // 4


@pytest.mark.parametrize(
    ("over", "shown"), [({"seconds": 0.7}, r"listening\.seconds"), ({"items": 5}, r"listening\.items")]
)
def test_what_was_not_drawn_cannot_be_heard(place: Path, tmp_path: Path, over: dict[str, object], shown: str) -> None:
    with pytest.raises(ListeningError, match=shown):
        make(place, tmp_path / "none", **over)


def test_held_out_music_too_short_for_a_clip_is_reported(tmp_path: Path) -> None:
    music = write_music(tmp_path / "music", [("test", 0.5), ("train", 9.0)])
    with pytest.raises(ListeningError, match="no test track"):
        excerpts(music, "test", 2, RATE)


def test_excerpts_are_of_all_tracks_and_apart_where_there_is_room(tmp_path: Path) -> None:
    music = write_music(tmp_path / "music", [("test", 3.0), ("train", 9.0), ("test", 2.0)])
    taken = excerpts(music, "test", 4, RATE // 2)
    tracks = [read_recording(music, track) for track in music.tracks("test")]
    starts = []
    for number, excerpt in enumerate(taken):
        windows = np.lib.stride_tricks.sliding_window_view(tracks[number % 2], RATE // 2)
        starts.append(int(np.flatnonzero((windows[:, :50] == excerpt[:50]).all(axis=1))[0]))
        assert (windows[starts[-1]] == excerpt).all()
    assert starts[2] - starts[0] >= RATE // 2 and starts[3] - starts[1] >= RATE // 2


def test_a_manifest_survives_its_file_and_a_damaged_one_is_reported(
    made: tuple[Manifest, Path], tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    write_json(path, made[0])
    assert read_manifest(path) == made[0]
    content = json.loads(path.read_text())
    content["stimuli"][0]["file"] = "../../etc/passwd"
    path.write_text(json.dumps(content))
    with pytest.raises(ListeningError, match="manifest"):
        read_manifest(path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(ListeningError, match="manifest"):
        read_manifest(path)
    with pytest.raises(ListeningError, match="cannot be read"):
        read_manifest(tmp_path / "none.json")
