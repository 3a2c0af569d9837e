"""What is asked to be played: its timbres, and the row that plays it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from raw import complaint, raw_config

from descant.config.loading import parse
from descant.config.play import Piece, Play

VOCODERS = {"vocoders": {"bank": {"kind": "one_pass_vocoder"}}}


def playing(vocoder: str | None = "bank", **play: Any) -> dict[str, Any]:
    raw = raw_config(**VOCODERS)
    row = {"kind": "mel2mel", "title": "Play", "mel2mel": "small", "vocoder": vocoder}
    raw["models"] = {**raw["models"], "play": row, "silent": {**row, "vocoder": None}}
    return {**raw, "play": {"score": "x.mid", "instrument": "piano", **play}}


@pytest.mark.parametrize(
    ("instrument", "said"),
    [
        ([], "instrument is empty"),
        ({"trumpet": 1, "organ": -1}, "add up to 0"),
        ({}, "add up to 0"),
        ([{"at": 2, "instrument": "organ"}, {"at": 1, "instrument": "piano"}], "not in order of time"),
        ([{"at": 0, "instrument": {"organ": 0}}], "add up to 0"),
        ([{"at": 0, "instrument": []}], "instrument is empty"),
        ([True, 0.5], "as YAML reads on"),
        ([float("nan"), 0.5], "finite"),
    ],
)
def test_timbres_that_say_nothing_are_refused(instrument: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Play.model_validate({"score": "x.mid", "instrument": instrument})


def test_a_point_is_one_timbre_and_moments_are_several() -> None:
    point = Play.model_validate({"score": "x.mid", "instrument": [0.3, -1.2]})
    assert [(moment.at, moment.instrument) for moment in point.moments] == [(0, (0.3, -1.2))]
    way = [{"at": 1, "instrument": [1, 2]}, {"at": 2, "instrument": "organ"}]
    assert [moment.instrument for moment in Play.model_validate({"score": "x.mid", "instrument": way}).moments] == [
        (1, 2),
        "organ",
    ]
    assert Play.model_validate_json(point.model_dump_json()) == point


def test_the_row_that_plays_is_the_one_named_or_the_first_with_a_vocoder() -> None:
    for config in (parse(playing()), parse(playing(row="play"))):
        assert config.play is not None and config.playing_row(config.play) == "play"
    piece = Piece(title="A piece", score=Path("bach/bwv269.xml"), instrument="organ")
    # the networks that ship play what is heard first, unless it names a row
    assert parse(playing()).playing_row(piece) is None
    assert parse(playing()).playing_row(piece.model_copy(update={"row": "play"})) == "play"


def test_a_timbre_is_found_in_the_row_that_is_named_or_that_plays() -> None:
    asked = {"recording": "x.wav", "score": "x.mid"}
    # a row that plays nothing is another space than that of the networks which would play in it
    assert parse({**playing(vocoder=None), "play": None, "find_timbre": asked}).finding_row is None
    assert parse({**playing(), "play": None, "find_timbre": asked}).finding_row == "play"
    assert parse({**playing(), "find_timbre": {**asked, "row": "silent"}}).finding_row == "silent"
    assert "find_timbre.row names 'slient'" in complaint({**playing(), "find_timbre": {**asked, "row": "slient"}})
    assert parse({**raw_config(), "find_timbre": asked}).finding_row is None


def test_a_row_without_a_vocoder_plays_nothing() -> None:
    config = parse(playing(vocoder=None))
    assert config.play is not None and config.playing_row(config.play) is None
    assert "play.row names 'silent'" in complaint(playing(row="silent"))


def test_a_vocoder_that_is_not_there_is_named() -> None:
    said = complaint(playing(vocoder="bnak"))
    assert "models.play.vocoder names 'bnak', which is not in vocoders; did you mean 'bank'?" in said


def test_a_piece_is_removed_by_null_and_its_row_must_be_known() -> None:
    piece = {"title": "A piece", "score": "bach/bwv269.xml", "instrument": "organ"}
    config = parse({**playing(), "music": {"one": piece, "two": None, "three": {**piece, "row": "play"}}})
    assert list(config.music) == ["one", "three"]
    assert parse({**playing(), "music": None}).music == {}
    assert "music.one.row names 'silent'" in complaint({**playing(), "music": {"one": {**piece, "row": "silent"}}})
    assert "cannot be a name" in complaint({**playing(), "music": {"../one": piece}})
    assert "music.one.title" in complaint({**playing(), "music": {"one": {**piece, "title": ""}}})
