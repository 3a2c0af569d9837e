"""Files of the static page and of other tools; a published study's figures come out of its form."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_tests import small_test

from descant.config.listening import Screening
from descant.errors import ListeningError
from descant.listening.analysis import analyse
from descant.listening.answers import Answer, RatingsFile
from descant.listening.export import export
from descant.listening.importers import import_files, parse_control, read_mturk, read_webmushra
from descant.listening.ratings import check_ratings, first_ratings
from descant.listening.scores import score_systems
from descant.listening.screening import screen
from descant.listening.store import Store

# what the notebook of SaShiMi's study prints (sashimi/mturk/mos): mean, count, standard deviation
PUBLISHED = {
    ("samplernn-3", "fidelity"): (2.976967, 521, 0.98),
    ("samplernn-3", "musicality"): (1.821497, 521, 0.88),
    ("sashimi-2", "fidelity"): (2.428023, 521, 0.89),
    ("sashimi-2", "musicality"): (2.420345, 521, 0.91),
    ("sashimi-8", "fidelity"): (2.854127, 521, 0.96),
    ("sashimi-8", "musicality"): (3.113244, 521, 0.95),
    ("wavenet-1024", "fidelity"): (2.909789, 521, 0.92),
    ("wavenet-1024", "musicality"): (2.714012, 521, 0.85),
    ("test", "fidelity"): (3.755708, 438, 0.95),
    ("test", "musicality"): (4.593607, 438, 0.70),
}
METHODS = ("samplernn-3", "sashimi-2", "sashimi-8", "wavenet-1024", "test")
CONTROLS = {"4.wav": (2, 2), "10.wav": (2, 2), "15.wav": (5, 2), "17.wav": (2, 2), "21.wav": (2, 2)}


def values_with(mean: float, number: int, deviation: float) -> list[int]:
    """Ratings 1 to 5 of exactly this sum, and of this standard deviation to two decimals."""
    total = round(mean * number)
    values = np.full(number, total // number)
    values[: total - values.sum()] += 1
    while True:
        # one up and one down: the sum stays, the squares grow by 2 (up - down) + 2
        wanted = deviation**2 * (number - 1) - ((values - total / number) ** 2).sum()
        moves = [(up, down) for up, down in product(range(1, 5), range(2, 6)) if up in values and down in values]
        moves = [(up, down) for up, down in moves if up != down or (values == up).sum() > 1]
        up, down = min(moves, key=lambda move: abs(wanted - 2 * (move[0] - move[1]) - 2))
        if abs(wanted - 2 * (up - down) - 2) >= abs(wanted):
            break
        first = np.flatnonzero(values == up)[0]
        second = np.flatnonzero(values == down)[-1]
        values[first] += 1
        values[second] -= 1
    assert values.sum() == total and abs(values.std(ddof=1) - deviation) < 0.005
    return [int(value) for value in np.random.default_rng(1).permutation(values)]


def write_mturk(folder: Path) -> tuple[Path, Path]:
    """A batch's file in the kit's form: 521 pages of five clips, and 83 of them with a control as real music."""
    files = [f"{number}.wav" for number in range(30)]
    uids = {(method, file): f"{method}-{file[:-4]}".encode().hex() for method in METHODS for file in files}
    (folder / "uids.txt").write_text("".join(f"{m} {f} {uid}\n" for (m, f), uid in uids.items()))
    given = {key: iter(values_with(*figures)) for key, figures in PUBLISHED.items()}
    ordinary = [file for file in files if file not in CONTROLS]
    pages = [(ordinary[n % 25], f"W{n // 25}") for n in range(438)] + [
        (list(CONTROLS)[n % 5], f"W{n // 5}") for n in range(83)
    ]
    rows = []
    for place, (file, worker) in enumerate([*pages, ("4.wav", "careless"), ("0.wav", "careless")]):
        row: dict[str, object] = {"HITId": f"H{place}", "WorkerId": worker}
        for number, method in enumerate(METHODS[place % 5 :] + METHODS[: place % 5]):
            row[f"Input.recording_{number}_url"] = f"https://example.org/x/{file[:-4]}/{uids[method, file]}.wav"
            for scale, name in (("fidelity", "quality"), ("musicality", "musicality")):
                if worker == "careless":
                    value = 5
                elif method == "test" and file in CONTROLS:
                    value = 1
                else:
                    value = int(next(given[method, scale]))
                row[f"Answer.recording_{number}_{name}"] = value
        rows.append(row)
    pd.DataFrame(rows).to_csv(folder / "Batch_1_batch_results.csv", index=False)
    return folder / "Batch_1_batch_results.csv", folder / "uids.txt"


def test_the_published_table_comes_out_of_the_mturk_form(tmp_path: Path) -> None:
    batch, uids = write_mturk(tmp_path)
    controls = dict(
        parse_control(f"{name}={fidelity},{musicality}") for name, (fidelity, musicality) in CONTROLS.items()
    )
    table = read_mturk([batch], uids, "test", controls)
    assert "careless" not in set(table["session"]) and set(table["kind"]) == {"system", "real", "control"}
    read = check_ratings(table, "mturk").table
    # the notebook discards whoever misses one control
    excluded = [rater for rater in screen(read, Screening(missed_controls=0)) if rater.reasons]
    assert len(excluded) == 1 and "2 of 2 ratings of controls" in excluded[0].reasons[0]
    kept = read[(read["rater"] != excluded[0].rater) & (read["kind"] != "control")]
    scores = {(score.system, score.scale): score for score in score_systems(first_ratings(kept), 0.95)}
    assert set(scores) == set(PUBLISHED)
    for key, (mean, number, deviation) in PUBLISHED.items():
        sem = scores[key].sem
        assert sem is not None and scores[key].ratings == number
        assert scores[key].mean == pytest.approx(mean, abs=0.005)
        assert sem * np.sqrt(number) == pytest.approx(deviation, abs=0.005)
        assert 1.96 * sem == pytest.approx(1.96 * deviation / np.sqrt(number), abs=0.005)


def test_wrong_mturk_files_are_reported(tmp_path: Path) -> None:
    batch, uids = write_mturk(tmp_path)
    uids.write_text("test 0.wav abc\n")
    with pytest.raises(ListeningError, match="not in"):
        read_mturk([batch], uids, "test", {})
    batch.write_text("WorkerId,Input.recording_0_url\nw,u\n")
    with pytest.raises(ListeningError, match="no result of SaShiMi"):
        read_mturk([batch], uids, "test", {})
    with pytest.raises(ListeningError, match="not understood"):
        parse_control("4.wav=2")


def test_mushra_keeps_comments_and_screens_by_the_recommendation(tmp_path: Path) -> None:
    comment = 'A & B, "C++" 5%41\n<b>'
    rows = [
        {
            "session_test_id": "t",
            "age": "30",
            "session_uuid": rater,
            "trial_id": f"trial{trial}",
            "rating_stimulus": stimulus,
            "rating_score": 60 if (rater, stimulus) == ("bad", "reference") and trial < 2 else score,
            "rating_time": 900,
            "rating_comment": comment if stimulus == "C1" else "",
        }
        for rater in ("good", "bad")
        for trial in range(10)
        for stimulus, score in (("reference", 100), ("C1", 50 + trial), ("anchor35", 20))
    ]
    pd.DataFrame([{**rows[0], "trial_id": "training"}, *rows]).to_csv(tmp_path / "mushra.csv", index=False)
    table = read_webmushra(tmp_path / "mushra.csv", None)
    assert table.groupby("system")["kind"].first().to_dict() == {
        "C1": "system",
        "anchor35": "anchor",
        "reference": "real",
    }
    assert len(table) == 60 and "good" not in set(table["session"])
    found = analyse(check_ratings(table, "webmushra"), Screening(), 0.95)
    assert [rater.reasons for rater in found.excluded] == [
        ("the hidden reference is below 90 in 2 of 10 trials (BS.1534)",)
    ]
    assert {note.text for note in found.comments} == {comment}


def test_likert_files_do_not_show_who_rated_unless_the_questionnaire_did(tmp_path: Path) -> None:
    text = "session_test_id,name,trial_id,stimuli_rating1,stimuli_rating2,stimuli,rating_time\n"
    text += "t,ann,one,4, 5 ,C1,900\nt,bob,one,3,2,C1,900\n"
    (tmp_path / "lss.csv").write_text(text)
    with pytest.raises(ListeningError, match="no statistics by rater"):
        read_webmushra(tmp_path / "lss.csv", None)
    table = read_webmushra(tmp_path / "lss.csv", "name")
    assert table.groupby("scale")["value"].apply(list).to_dict() == {"rating1": [4.0, 3.0], "rating2": [5.0, 2.0]}
    assert table["session"].nunique() == 2
    (tmp_path / "lss.csv").write_text(text.replace("4,", "good,"))
    with pytest.raises(ListeningError, match="'good' in 'stimuli_rating1' is no number"):
        read_webmushra(tmp_path / "lss.csv", "name")
    (tmp_path / "lss.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ListeningError, match="no result of webMUSHRA"):
        read_webmushra(tmp_path / "lss.csv", None)


def sent_back(folder: Path, design: str, session: str = "a" * 32, value: int = 4) -> Path:
    answer = Answer(
        page=0, scale="fidelity", value=value, revision=1, plays=1, heard_ms=900, rating_ms=900, comment="a & b % 😀"
    )
    other = answer.model_copy(update={"scale": "musicality"})
    content = RatingsFile(design=design, session=session, list=0, ratings=(answer, other))
    path = folder / f"{session[:4]}-{value}.json"
    path.write_text(content.model_dump_json())
    return path


def test_a_file_of_the_static_page_is_taken_once(tmp_path: Path) -> None:
    manifest, design = small_test()
    path = tmp_path / "ratings" / "ratings.sqlite"
    first, second = sent_back(tmp_path, design.design), sent_back(tmp_path, design.design, "b" * 32, 2)
    with Store(path, "people") as store:
        assert [found.added for found in import_files([first, second], store, manifest, design)] == [2, 2]
        assert [found.added for found in import_files([first, second, first], store, manifest, design)] == [0, 0]
        with pytest.raises(ListeningError, match="another test"):
            import_files([second, sent_back(tmp_path, "0" * 64)], store, manifest, design)
        with pytest.raises(ListeningError, match="another value is stored"):
            import_files([sent_back(tmp_path, design.design, value=1)], store, manifest, design)
    table = export(path)
    assert len(table) == 4 and set(table["comment"]) == {"a & b % 😀"} and set(table["source"]) == {"people"}
    assert check_ratings(table, "export").table["rater"].nunique() == 2


@pytest.mark.parametrize("over", [{"page": 99}, {"scale": "preference"}])
def test_a_file_that_does_not_fit_is_named_and_leaves_nothing(tmp_path: Path, over: dict[str, object]) -> None:
    manifest, design = small_test()
    fits, wrong = sent_back(tmp_path, design.design), sent_back(tmp_path, design.design, "b" * 32)
    content = RatingsFile.model_validate_json(wrong.read_bytes())
    changed = content.ratings[0].model_copy(update=over)
    wrong.write_text(content.model_copy(update={"ratings": (content.ratings[1], changed)}).model_dump_json())
    with Store(tmp_path / "ratings.sqlite", "people") as store:
        with pytest.raises(ListeningError, match=wrong.name):
            import_files([fits, wrong], store, manifest, design)
        assert store.read("SELECT * FROM sessions") == [] and store.read("SELECT * FROM ratings") == []
