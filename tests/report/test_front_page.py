from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chorales import chorale, pack_chorales
from hypothesis import given
from hypothesis import strategies as st
from page_reading import make_page, read_page
from small_band import small_system
from small_models import model_file
from small_report import HOSTILE, PAGES, TITLES, build_report, front_given

from descant.audio.clips import flac_bytes
from descant.config.parts import PARTS
from descant.errors import DescantError, PageError
from descant.evaluation.composed import LIST, Composed, Written
from descant.evaluation.parts_baselines import ALL, COMPOSE
from descant.evaluation.parts_scores import PartsLine
from descant.evaluation.parts_table import PartsTable
from descant.modelfile import write_model
from descant.report.pages.front import music_in_words
from descant.report.rows import Row, board, choose_rows, read_rows
from descant.results import read_table, write_json
from descant.scores.parts import CLASSES
from descant.scores.voice_leading import CHORALE_RANGES, count_voice_leading
from descant.sequences import open_sequence


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report, with all that it was made from."""
    folder = tmp_path_factory.mktemp("made")
    build_report(folder)
    return folder


def row(number: int, levels: int, bits: float) -> Row:
    return Row(f"m{number}", f"M {number}", "", levels, bits, "", ("", ""))


@given(st.lists(st.tuples(st.integers(1, 4), st.floats(0, 9)), min_size=1, max_size=9))
def test_the_best_the_deepest_and_a_plain_one_are_heard(given: list[tuple[int, float]]) -> None:
    rows = [row(number, levels, bits) for number, (levels, bits) in enumerate(given)]
    chosen = [found for found, _ in choose_rows(rows)]
    assert len({found.model for found in chosen}) == len(chosen) <= 3
    assert chosen[0].bits == min(found.bits for found in rows)
    others = [found for found in rows if found is not chosen[0]]
    if any(found.levels > 1 for found in others):
        deepest = max(found.levels for found in others)
        assert chosen[1].levels == deepest
        assert chosen[1].bits == min(found.bits for found in others if found.levels == deepest)
    if any(found.levels == 1 for found in others):
        assert chosen[-1].levels == 1
        assert chosen[-1].bits == min(found.bits for found in others if found.levels == 1)


def test_why_a_row_was_chosen_is_true() -> None:
    rows = [row(0, 1, 3.0), row(1, 1, 4.0), row(2, 3, 5.0), row(3, 3, 4.5), row(4, 2, 3.5)]
    assert [(found.model, why) for found, why in choose_rows(rows)] == [
        ("m0", "the fewest bits per sample of all"),
        ("m3", "a stack of 3 levels, the fewest bits of these"),
        ("m1", "another WaveNet with no codes"),
    ]
    assert choose_rows([]) == []


def test_a_row_without_bits_is_heard_where_no_other_can_take_its_part() -> None:
    none, scored = replace(row(0, 1, 0.0), bits=None), row(1, 3, 5.0)
    assert [(found.model, why) for found, why in choose_rows([none, scored])] == [
        ("m1", "the fewest bits per sample of all"),
        ("m0", "a WaveNet with no codes"),
    ]
    assert [why for _, why in choose_rows([none])] == ["the first row of the table"]


def test_the_cell_of_a_row_without_bits_is_empty(made: Path) -> None:
    lines = [dict(line) for line in read_table(made / "table.csv")]
    lines[0] |= dict.fromkeys(("bits_per_sample", "bits_per_sample_low", "bits_per_sample_high"), "")
    rows = read_rows(lines, [])
    assert rows[0].bits is None and all(found.bits for found in rows[1:])
    first = board(rows).lines[0]
    assert first.cells[0].text == "" and "under five test tracks" not in board(rows).caption


def test_a_row_that_was_fine_tuned_is_called_so_and_no_other(made: Path) -> None:
    beginnings = ["fine-tuned", "from fresh weights", "fine-tuned in part"]
    lines = [
        {**line, "beginning": begun} for line, begun in zip(read_table(made / "table.csv"), beginnings, strict=True)
    ]
    assert [line.detail for line in board(read_rows(lines, [])).lines] == ["fine-tuned", "", "fine-tuned in part"]


def test_the_page_shows_the_run(made: Path) -> None:
    html = (made / "results" / "report" / "index.html").read_text()
    page = read_page(html, str(made), "<b>bold")
    text = " ".join(page.text.replace("\N{NO-BREAK SPACE}", " ").split())
    assert "Trained on 8.0 s of music in 2 tracks, for 30 steps in each of 3 networks." in text
    assert "32.0 s in 8 tracks: 8.0 s in 2 tracks for training, 4.0 s in 1 track for validation" in text
    assert "Melodies of sines. 32.0 s" in text and f"By: {HOSTILE} (4), A. Composer (4)." in text
    assert f"Nothing was found. {HOSTILE} Not reported: too short." in text
    table = pd.read_csv(made / "table.csv").set_index("model")
    for model, title in TITLES.items():
        assert f"{title}{table.loc[model, 'bits_per_sample']:.2f}" in text
    assert text.count("3.82 ± 0.18") == 2 and "ratings by people of its own models (2018), not of these" in text
    assert len(page.all("audio")) == 4 == len(page.all("img"))
    assert {f"players/{model}.html" for model in TITLES} <= {link.get("href") for link in page.all("a")}


def test_the_same_run_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_page("index", tmp_path / name, **front_given(made))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_run_that_lacks_parts_says_nothing_of_them(made: Path, tmp_path: Path) -> None:
    page = read_page(make_page("index", tmp_path / "alone.html", **front_given(made)), str(made))
    assert not page.all("nav") and not page.all("a") and "What the measures found" not in page.text
    assert "More of this run" not in page.text and len(page.all("audio")) == 4


def test_remarks_on_the_corpus_are_shown_as_text(made: Path, tmp_path: Path) -> None:
    remarks = tmp_path / "remarks.json"
    remarks.write_text('["labels of 3 names not used: <b>bold</b>", "test 0.7 instead of 1.1 min"]')
    page = read_page(make_page("index", tmp_path / "a.html", **front_given(made), remarks=remarks), str(made))
    assert "labels of 3 names not used: <b>bold</b>" in page.text and "test 0.7 instead of 1.1 min" in page.text
    remarks.write_text("[]")
    make_page("index", tmp_path / "none.html", **front_given(made), remarks=remarks)
    make_page("index", tmp_path / "absent.html", **front_given(made))
    assert (tmp_path / "none.html").read_bytes() == (tmp_path / "absent.html").read_bytes()
    remarks.write_text('{"not": "a list"}')
    with pytest.raises(DescantError, match="remarks"):
        make_page("index", tmp_path / "wrong.html", **front_given(made), remarks=remarks)


def test_wrong_options_are_reported(made: Path, tmp_path: Path) -> None:
    given, output = front_given(made), tmp_path / "index.html"
    for wrong in ({"drawn": {}}, {"drawn": {"flat": "none"}}, {"source": None}, {"other": 1}):
        with pytest.raises(DescantError):
            make_page("index", output, **{**given, **wrong})
    with pytest.raises(PageError, match="simulated"):
        make_page("simulated/index", output, PAGES, **given)
    (tmp_path / "table.csv").write_text("model,title\na,b\n")
    with pytest.raises(DescantError, match="table"):
        make_page("index", output, **{**given, "table": tmp_path / "table.csv"})
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_labels_that_are_not_known_are_not_reported(made: Path) -> None:
    packed = open_sequence(made / "audio")
    packed.index["artist"] = ""
    packed.index["genre"] = ["a", "b", "c", "d", "a", "", "", ""]
    assert music_in_words(packed, "S.")[0] == "S."
    assert music_in_words(packed, "S.")[2:] == ["Genres: a (2), b (1), c (1), and 1 more."]


def test_a_run_of_music_in_parts_alone_has_one(tmp_path: Path) -> None:
    pack_chorales(tmp_path, measures=2, tracks=10)
    system, data = small_system(), tmp_path / PARTS / "data.npy"
    sequence = {"stream": PARTS, "name": PARTS, "classes": CLASSES, "channels": 4}
    model = model_file("autoregressive_parts", system.settings.model_dump(mode="json"), system.state_dict(), **sequence)
    write_model(tmp_path / "m.safetensors", model)
    rest = {field.name: None for field in fields(PartsLine)}
    named = {"task": COMPOSE, "model": "m", "title": HOSTILE, "kind": "rmvae", "bound": False, "material": ALL}
    counts = dict.fromkeys(("pieces", "tokens", "changed_tokens"), 3)
    line = PartsLine(**{**rest, **named, **counts, "nats_per_changed_token": 1.25})
    write_json(tmp_path / "table.json", PartsTable(0.95, [line], []))
    counted = count_voice_leading(chorale(2, 1), CHORALE_RANGES)
    for folder, task in (("new", "generate"), ("redone", "redo")):
        (tmp_path / folder).mkdir()
        pieces = [Written(name, name, 2, () if name == "given" else ("alto",), counted) for name in ("given", "1", "2")]
        write_json(tmp_path / folder / LIST, Composed(folder.title(), task, "rmvae", 2, (), pieces))
        # the answer, and no other piece, is read
        answer = tmp_path / folder / ("2.flac" if task == "redo" else "1.flac")
        answer.write_bytes(flac_bytes(0.1 * np.sin(np.arange(4000) / 9), 8000))
    given = {"table": None, "audio": data, "recordings": data}
    given |= {"models": [tmp_path / "m.safetensors"], "drawn": {}, "source": "Chorales.", "pages": ["index", "parts"]}
    given |= {"composed": [tmp_path / "new", tmp_path / "redone"], "parts": tmp_path / "table.json"}
    html = make_page("index", tmp_path / "index.html", ["index", "parts"], **given)
    page = read_page(html, str(tmp_path), "<b>bold")
    assert "Trained on 64 quarter notes of music in 8 tracks, for 12 steps." in page.text
    assert f"Composing, by nats a changed token: {HOSTILE}, 1.25." in page.text
    assert len(page.all("audio")) == 2 and "Redone" in page.text and page.all("nav")
    assert {"parts.html", "compositions.html"} <= {link.get("href") for link in page.all("a")}
