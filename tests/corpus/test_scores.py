from pathlib import Path

import pytest

from descant.config.corpus import Scores
from descant.config.loading import load
from descant.corpus.scores import locate, read_pieces
from descant.errors import CorpusError

ROOT = Path(__file__).parents[2]
MEL2MEL = str(ROOT / "config" / "mel2mel" / "pieces.csv")
PIANO = str(ROOT / "config" / "pretrained" / "piano" / "pieces.csv")


def test_shipped_list_is_all_there() -> None:
    pieces = read_pieces(Scores())
    assert len(pieces) == 39
    assert len({piece.path for piece in pieces}) == len(pieces) == len({piece.label for piece in pieces})
    for piece in pieces:
        assert locate("builtin", piece.path).is_file()
        assert piece.title and piece.composer and piece.note
    assert read_pieces(Scores(limit=3)) == pieces[:3]


def test_the_list_of_mel2mel_is_all_there_too() -> None:
    pieces = read_pieces(Scores(pieces=MEL2MEL))
    assert len(pieces) == 93 and pieces[:39] == read_pieces(Scores())
    assert len({piece.path for piece in pieces}) == len(pieces) == len({piece.label for piece in pieces})
    for piece in pieces:
        assert locate(MEL2MEL, piece.path).is_file()
        assert piece.title and piece.composer and piece.note


def test_the_piano_set_learns_no_piece_that_the_demo_uses() -> None:
    demo = load(ROOT / "config.yaml")
    used = {piece.path for piece in read_pieces(demo.corpus.scores)}
    learnt = read_pieces(Scores(pieces=PIANO))
    assert len(learnt) == 74 and set(learnt) < set(read_pieces(Scores(pieces=MEL2MEL)))
    assert len(used) == 16 and not used & {piece.path for piece in learnt}


@pytest.mark.parametrize("listed", ["builtin", MEL2MEL], ids=["builtin", "mel2mel"])
def test_no_score_of_a_list_reserves_rights(listed: str) -> None:
    import zipfile

    for piece in read_pieces(Scores(pieces=listed)):
        path = locate(listed, piece.path)
        if path.suffix == ".mxl":
            with zipfile.ZipFile(path) as archive:
                texts = [archive.read(name) for name in archive.namelist() if not name.startswith("META-INF")]
        else:
            texts = [path.read_bytes()]
        text = b"".join(texts).lower()
        assert b"rights reserved" not in text and b"non-commercial" not in text and b"\xc2\xa9" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("path,title\na,b\n", "lacks the columns"),
        ("path,title,composer,quarters_per_minute,note\n", "no line"),
        ("path,title,composer,quarters_per_minute,note\na,b,c,fast,\n", "line 2: quarters_per_minute is 'fast'"),
        ("path,title,composer,quarters_per_minute,note\na,b,c,nan,\n", "quarters_per_minute"),
        ("path,title,composer,quarters_per_minute,note\n,b,c,60,\n", "path is empty"),
    ],
)
def test_bad_lists_are_reported(tmp_path: Path, text: str, shown: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(CorpusError, match=shown):
        read_pieces(Scores(pieces=str(tmp_path / "list.csv")))
    with pytest.raises(CorpusError, match="cannot be read"):
        read_pieces(Scores(pieces=str(tmp_path / "none.csv")))


def test_own_scores_lie_beside_the_list_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "song.abc").write_text("X:1\nK:C\nCDEF|\n")
    (tmp_path / "outside.abc").write_text("X:1\nK:C\nCDEF|\n")
    setting = str(folder / "list.csv")
    assert locate(setting, "song.abc") == (folder / "song.abc").resolve()
    for path in ("../outside.abc", str(tmp_path / "outside.abc"), "../../setup.py", "nothing.mxl", ""):
        with pytest.raises(CorpusError, match="no score"):
            locate(setting, path)
