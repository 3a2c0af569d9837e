import hashlib
import itertools
import struct
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import ScoreError
from descant.scores.notes import PERCUSSION, Note
from descant.scores.soundfont import read_soundfont, soundfont_digest, soundfont_file
from descant.scores.synthesis import play

RATE = 16000
ORGAN, VIOLIN, WOODBLOCK = 19, 40, 115


def sound(*notes: Note, seconds: float = 1.0, rate: int = RATE, font: Path | None = None) -> npt.NDArray[np.float32]:
    return np.concatenate(list(play(notes, font or soundfont_file(None), rate, round(seconds * rate))))


def test_what_sounds_together_is_the_sum() -> None:
    notes = [Note(0.1, 60, 0.6, 90), Note(0.2, 64, 0.5, 40), Note(0.2, 67, 0.9, 80, ORGAN)]
    notes += [Note(0.3, 38, 0.4, 80, PERCUSSION), *(Note(0.05 * n, 50 + n, 0.8, 70, n) for n in range(1, 19))]
    together = sound(*notes)
    assert together.shape == (RATE, 2) and np.abs(together).max() > 0.05
    # 20 programs share 16 players
    assert np.allclose(together, sum(sound(note) for note in notes), atol=2e-6)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("onset", [0.0, 0.25, 0.333])
def test_a_stroke_begins_at_its_frame(rate: int, onset: float) -> None:
    level = np.abs(sound(Note(onset, 72, onset + 0.2, 100, WOODBLOCK), rate=rate)).max(axis=1)
    first = int((level > 0.01 * level.max()).argmax())
    assert 0 <= first - onset * rate < 0.001 * rate


def test_louder_keys_are_louder() -> None:
    levels = [np.abs(sound(Note(0.0, 60, 0.5, velocity))).max() for velocity in (20, 50, 80, 127)]
    assert all(2 * softer < louder for softer, louder in itertools.pairwise(levels))


def test_thousands_of_keys_at_once_neither_hang_nor_silence_what_follows() -> None:
    crowd = [Note(0.1, pitch, 0.2, 90, program) for pitch in range(128) for program in (*range(16, 32), PERCUSSION)]
    audio = np.abs(sound(*crowd, Note(3.0, 60, 3.5, 90), seconds=3.5))
    assert audio[int(2.7 * RATE) : int(2.95 * RATE)].max() < 0.01 * audio.max()
    assert audio[3 * RATE :].max() > 0.002


def test_the_same_notes_give_the_same_samples_in_every_process() -> None:
    program = (
        "import hashlib, numpy as np\n"
        "from descant.scores.notes import Note\n"
        "from descant.scores.soundfont import soundfont_file\n"
        "from descant.scores.synthesis import play\n"
        "notes = [Note(0.05 * n, 40 + n, 0.05 * n + 0.3, 50 + n, n % 5) for n in range(16)]\n"
        "print(hashlib.sha256(np.concatenate(list(play(notes, soundfont_file(None), 16000, 16000)))).hexdigest())\n"
    )
    digests = {subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout}
    digests.add(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    here = sound(*(Note(0.05 * n, 40 + n, 0.05 * n + 0.3, 50 + n, n % 5) for n in range(16)))
    assert {hashlib.sha256(here.tobytes()).hexdigest()} == {digest.strip() for digest in digests}


def test_playing_is_bounded_and_flat_even_when_a_note_never_ends() -> None:
    tracemalloc.start()
    blocks = play([Note(0.0, 60, float("inf"), 80), Note(0.0, 62, 1e30, 80)], soundfont_file(None), RATE, 40 * RATE)
    first = len(next(blocks))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    assert first + sum(len(block) for block in blocks) == 40 * RATE
    assert tracemalloc.get_traced_memory()[1] - before < 4_000_000
    tracemalloc.stop()


def without(program: int, font: bytes) -> bytes:
    """A SoundFont whose preset of a program is moved to a bank that nobody asks for."""
    content = bytearray(font)
    begin = font.index(b"phdr") + 8
    for place in range(begin, begin + struct.unpack("<I", font[begin - 4 : begin])[0] - 38, 38):
        if struct.unpack("<HH", font[place + 20 : place + 24]) == (program, 0):
            content[place + 20 : place + 24] = struct.pack("<HH", program, 99)
    return bytes(content)


def test_soundfonts_that_cannot_play_are_refused(tmp_path: Path) -> None:
    shipped = soundfont_file(None)
    font = tmp_path / "font.sf2"
    font.write_bytes(without(VIOLIN, shipped.read_bytes()))
    assert np.abs(sound(Note(0.0, 60, 0.5, 80), font=font)).max() > 0
    with pytest.raises(ScoreError, match=r"font.sf2 has no General MIDI program 40"):
        sound(Note(0.0, 60, 0.5, 80), Note(0.0, 60, 0.5, 80, VIOLIN), font=font)
    for content in (b"", b"text", shipped.read_bytes()[:5000]):
        font.write_bytes(content)
        with pytest.raises(ScoreError, match=r"font.sf2 cannot be read"):
            sound(Note(0.0, 60, 0.5, 80), font=font)
    assert soundfont_digest(str(font)) == hashlib.sha256(content).hexdigest() != soundfont_digest(None)
    with pytest.raises(ScoreError, match=r"corpus.scores.soundfont: there is no file"):
        soundfont_file(str(tmp_path / "none.sf2"))


def test_a_soundfont_is_cut_to_what_is_played(tmp_path: Path) -> None:
    shipped, cut, whole = soundfont_file(None), tmp_path / "cut.sf2", tmp_path / "whole.sf2"
    cut.write_bytes(read_soundfont(shipped, [VIOLIN, PERCUSSION]))
    whole.write_bytes(read_soundfont(shipped, [*range(128), PERCUSSION]))
    assert cut.stat().st_size < shipped.stat().st_size / 3 < whole.stat().st_size
    notes = [Note(0.0, 60, 0.5, 80, VIOLIN), Note(0.25, 38, 0.5, 80, PERCUSSION)]
    wanted = sound(*notes)
    assert np.array_equal(sound(*notes, font=cut), wanted)
    # where a sound lies in the file changes the last bits of its positions
    assert np.allclose(sound(*notes, font=whole), wanted, atol=1e-7)
    assert np.abs(sound(Note(0.0, 60, 0.5, 80, ORGAN), font=cut)).max() == 0


@given(st.integers(0, 300_000), st.binary(min_size=1, max_size=40))
@settings(max_examples=30)
def test_no_damage_to_a_soundfont_crashes_its_reader(place: int, noise: bytes) -> None:
    content = bytearray(read_soundfont(soundfont_file(None), [0]))
    # the tables lie at the end
    begin = max(0, len(content) - place - len(noise))
    content[begin : begin + len(noise)] = noise
    with tempfile.NamedTemporaryFile(suffix=".sf2") as file:
        file.write(content)
        file.flush()
        try:
            read_soundfont(Path(file.name), [0])
        except ScoreError as error:
            assert error.problem and error.cure


def test_compressed_soundfonts_are_refused(tmp_path: Path) -> None:
    content = soundfont_file(None).read_bytes()
    place = content.index(b"ifil") + 8
    (tmp_path / "font.sf3").write_bytes(content[:place] + struct.pack("<HH", 3, 1) + content[place + 4 :])
    with pytest.raises(ScoreError, match="SF3"):
        sound(Note(0.0, 60, 0.5, 80), font=tmp_path / "font.sf3")
