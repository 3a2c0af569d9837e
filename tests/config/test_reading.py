"""Reading YAML: nothing that a person writes is dropped, or read as something else, without a word."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pipeline import ROOT, run

from descant.config.loading import load
from descant.config.reading import read_yaml
from descant.errors import ConfigError, DescantError, shown

SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "config").rglob("*.yaml"))]


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str) -> str:
    # of the processor: a busy machine is no finding
    began = time.process_time()
    with pytest.raises(ConfigError, match=r"own\.yaml") as reported:
        read_yaml(written(folder, text))
    assert time.process_time() - began < 5
    assert len(str(reported.value)) < 3000
    return str(reported.value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_files_are_read_as_the_safe_loader_reads_them(path: Path) -> None:
    assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab 01:-.", max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abon1:", max_size=4), inner, max_size=3),
        max_leaves=10,
    )
)
def test_what_a_program_writes_is_read_again(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = written(tmp_path_factory.mktemp("yaml"), yaml.safe_dump({"key": value}))
    assert read_yaml(path) == {"key": value}


def test_a_key_that_stands_twice_is_refused_and_both_lines_are_named(tmp_path: Path) -> None:
    reported = complaint(
        tmp_path, "training: {steps: 1}\nseed: 2\ntraining: {batch: 3}\nadas:\n  a: 1\n  b: 2\n  a: 3\n"
    )
    assert "line 3: 'training' is named a second time, first in line 1" in reported
    assert "line 7: 'a' is named a second time, first in line 5" in reported


def test_a_merged_section_may_be_changed_key_by_key(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n"))["b"] == {"x": 3, "y": 2}
    assert "line 2" in complaint(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, <<: *a}\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 0400", ["'0400' begins with 0", "write 400"]),
        ("a: -007", ["'-007'", "write 7"]),
        ("a: 0800", ["'0800'", "write 800"]),
        ("a: [1, 1:30]", ["'1:30' is read as a number in base 60"]),
        ("a: {b: 1:30.5}", ["'1:30.5'", "base 60"]),
        ("a: 2001-01-01", ["2001-01-01 is read as a date", '"2001-01-01" in quotes']),
        ("on: 1", ["'on' is not read as text", "in quotes"]),
        ("a: {8: 1}", ["'8' is not read as text"]),
        ("~: 1", ["'~' is not read as text"]),
        ("? [a, b]\n: 1", ["keys are text"]),
        ("a: !!set {b}", ["the tag set"]),
        ("a: !!binary aGk=", ["the tag binary"]),
    ],
)
def test_what_yaml_reads_as_something_else_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    reported = complaint(tmp_path, f"seed: 1\n{text}\n")
    assert all(word in reported for word in ["line 2: ", *words]), reported


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1e-3", 0.001), ("1E3", 1000.0), ("-.5e-3", -0.0005), ("2.e1", 20.0), ("0", 0), ("0.5", 0.5), ("00.5", 0.5)],
        *[("0x10", 16), ("'0400'", "0400"), ("'1:30'", "1:30"), ("1e", "1e"), ("e5", "e5"), ("8080:80", "8080:80")],
    ],
)
def test_what_is_plain_is_read_as_it_stands(tmp_path: Path, text: str, value: object) -> None:
    assert read_yaml(written(tmp_path, f"a: {text}\n")) == {"a": value}


ALIASES = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    "text",
    [
        *[ALIASES + "models: *a11\n", "a: &a [*a]", "a: &a {b: *a}", "a: " + "[" * 5000],
        *["a: " + "[" * 5000 + "]" * 5000, "a: " + "[" * 60 + "]" * 60, "seed: " + "1" * 5000],
        *["a: 1\n" * 300_000, "{" * 5000],
    ],
    ids=["aliases", "itself", "itself in a mapping", "open", "nested", "sixty", "digits", "long", "braces"],
)
def test_what_no_person_writes_is_refused_soon_and_in_few_words(tmp_path: Path, text: str) -> None:
    complaint(tmp_path, text)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"RIFF\xa4\x8f\x01\x00WAVEfmt ", b"a: \x1b[31m", b"a: \xe9"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"own\.yaml"):
        read_yaml(tmp_path / "own.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [1\n", "just text", "a: !!python/object:os.system {}\n"])
def test_what_is_no_mapping_is_reported_with_its_file(tmp_path: Path, text: str) -> None:
    complaint(tmp_path, text)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: off", ["seed is False", "on, yes", "quotes"]),
        ("training: {learning_rate: yes}", ["training: learning_rate is True", "quotes"]),
        ("training: {betas: [no, 0.9]}", ["training: betas is [False, 0.9]", "quotes"]),
        ("models: {hop8: {title: no}}", ["models.hop8: title is False", "quotes"]),
        ("seed: 0x" + "1" * 5000, ["seed: ", "a number of 19997 bits"]),
        ("corpus: " + "{a: " * 40 + "1" + "}" * 40, ["corpus.a: unknown key"]),
        ("seed: " + "x" * 100_000, ["seed: ", "xxx...xxx"]),
    ],
)
def test_the_check_of_the_whole_names_the_key_in_few_words(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as reported:
        load(ROOT / "config.yaml", written(tmp_path, text))
    assert all(word in str(reported.value) for word in words), reported.value
    assert len(str(reported.value)) < 3000


def test_numbers_without_a_dot_and_truth_values_where_they_belong_are_taken(tmp_path: Path) -> None:
    config = load(ROOT / "config.yaml", written(tmp_path, "training: {learning_rate: 1e-3, compile: on}\n"))
    training = config.priors["large"].training
    assert (training.learning_rate, training.compile) == (0.001, True)


def test_the_workflow_refuses_what_snakemake_would_drop(tmp_path: Path) -> None:
    path = written(tmp_path, "training: {steps: 6}\naudio: {sample_rate: 0400}\ntraining: {batch: 2}\n")
    reported = run(tmp_path, "--dry-run", over=path, check=False)
    assert reported.returncode != 0
    assert "line 3: 'training' is named a second time, first in line 1" in reported.stdout + reported.stderr
    assert "line 2: '0400'" in reported.stdout + reported.stderr
    assert "Traceback" not in reported.stderr


@given(st.text())
def test_errors_hold_nothing_that_steers_a_terminal(text: str) -> None:
    reported = str(DescantError(text, text))
    assert all(letter.isprintable() or letter == "\n" for letter in reported)
    assert text in reported or not text.replace("\n", "").isprintable()


def test_a_shown_value_is_short_whatever_it_holds() -> None:
    nested: Any = "x"
    for _ in range(30):
        nested = [nested] * 9
    assert len(shown({"a": nested})) < 500
    assert shown(3) == "3" and shown("a b") == "'a b'"
