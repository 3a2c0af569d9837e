"""What a person made stays until what takes its place is whole, and a job that failed runs again."""

from pathlib import Path

import pytest
import yaml
from grids import chorale
from pipeline import planned_when_moved, run

from descant.scores.part_writing import midi_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("target", "made", "asked"),
    [
        ("play", "play/played.flac", {"instrument": "grand piano"}),
        ("compose", "compositions/compose/1.flac", {"task": "fill", "voices": ["alto"]}),
    ],
)
def test_a_failed_job_takes_nothing_away_and_runs_again(
    tmp_path: Path, target: str, made: str, asked: dict[str, object]
) -> None:
    score, over, file = tmp_path / "score.mid", tmp_path / "over.yaml", tmp_path / "run/results" / made
    over.write_text(yaml.safe_dump({target: {"score": str(score), **asked}}))
    score.write_bytes(midi_of(chorale(1)))
    run(tmp_path / "run", "--cores", "1", target, over=over)
    before = file.read_bytes()
    (tmp_path / "moved").mkdir()
    assert planned_when_moved(tmp_path / "run", target, over=over, checkout=tmp_path / "moved") == set()
    score.write_bytes(b"MThd")
    for _ in range(2):
        failed = run(tmp_path / "run", "--cores", "1", target, over=over, check=False)
        assert failed.returncode and "score.mid" in failed.stdout + failed.stderr
        assert file.read_bytes() == before
