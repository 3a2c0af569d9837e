import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from descant.scores.notes import PERCUSSION, Note, on_one_program, piece_digest, resolve_unisons

NOTES = st.lists(
    st.builds(
        lambda onset, pitch, length, velocity, program: Note(
            onset, pitch, onset + length, velocity, program, 0, 2.0 * onset, 2.0 * (onset + length)
        ),
        st.integers(0, 20), st.integers(60, 62), st.integers(0, 6), st.integers(1, 127), st.sampled_from([0, 40]),
    ),
    max_size=30,
)  # fmt: skip


@given(NOTES)
def test_one_key_does_one_thing_at_a_time(notes: list[Note]) -> None:
    resolved = resolve_unisons(notes)
    assert list(resolved) == sorted(resolved) and resolve_unisons(resolved) == resolved
    assert all(note.end > note.onset for note in resolved)
    # the clocks still agree
    assert all((note.onset_quarters, note.end_quarters) == (2 * note.onset, 2 * note.end) for note in resolved)
    for program, pitch in itertools.product((0, 40), range(60, 63)):
        key = [note for note in resolved if (note.program, note.pitch) == (program, pitch)]
        assert all(first.end <= second.onset for first, second in itertools.pairwise(key))
        written = [note for note in notes if (note.program, note.pitch) == (program, pitch)]
        for start in range(30):
            assert any(n.onset <= start < n.end for n in key) <= any(n.onset <= start < n.end for n in written)
        # every key that is struck and not let go at once is heard
        assert {n.onset for n in key} == {n.onset for n in written if n.end > n.onset}


@given(NOTES, st.integers(0, 127), st.floats(0.1, 9))
def test_a_piece_has_one_name_at_any_tempo_on_any_program(notes: list[Note], program: int, slower: float) -> None:
    played = on_one_program([*notes, Note(0.0, 35, 1.0, 90, PERCUSSION)], program)
    assert {note.program for note in played} <= {program}
    stretched = [replace(note, onset=note.onset * slower, end=note.end * slower, velocity=1) for note in played]
    assert piece_digest(stretched) == piece_digest(played)
    if played:
        assert piece_digest([replace(note, pitch=note.pitch + 1) for note in played]) != piece_digest(played)
