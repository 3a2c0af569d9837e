"""The configuration: what is wrong is reported by its key, and what follows from it is computed right."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from raw import SMALL, changed, complaint, raw_config

from descant.config.compose import Compose
from descant.config.loading import load, merge, parse
from descant.config.root import Config
from descant.errors import ConfigError


def test_a_good_one_is_accepted_and_its_parts_are_put_in_place() -> None:
    config = parse(raw_config())
    assert config.adas["vq8"].local_model.stacks == 1
    assert config.priors["prior"].wavenet.stacks == 3
    assert config.priors["flat"].training.window == 99
    assert config.priors["flat"].training.steps == config.adas["vq8"].training.steps == 10
    assert config.priors["flat"].training.schedule.decay == "linear"


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("adas.vq8.hopp", "hop"),
        ("adas.vq8.bottleneck.commitmen", "commitment"),
        ("priors.flat.training.learning_rat", "learning_rate"),
        ("training.bach", "batch"),
        ("corpus.shard", "shards"),
        ("corpus.splits.tests", "test"),
        ("model", "models"),
        ("wavenet", "wavenets"),
        ("sampling.top_q", "top_p"),
        ("compose.tsk", "task"),
        ("music.song.instrumnt", "instrument"),
        ("compositions.one.sweps", "sweeps"),
        ("training.schedule.warmup", "warmup_steps"),
    ],
)
def test_an_unknown_key_is_reported_by_its_path_with_the_nearest_known_one(path: str, near: str) -> None:
    reported = complaint(changed(path, 1))
    shown = path if not path.startswith("training") else f"adas.vq8.{path}"
    assert f"    {shown}: unknown key; did you mean {near!r}?" in reported.splitlines()


@pytest.mark.parametrize(
    ("path", "known"),
    [
        # score, levels and seed are keys of others
        ("band.scor", "row, model, voice, tempo, lead_in, follow, temperature, top_p"),
        ("adas.smooth.bottleneck.levles", "kind, query_dim"),
        ("corpus.seed", "source, scores, folder, shards, item_minutes, downmix, labels, splits"),
    ],
)
def test_keys_of_other_sections_are_not_suggested(path: str, known: str) -> None:
    assert f"    {path}: unknown key; known are: {known}" in complaint(changed(path, 1)).splitlines()


def test_all_wrong_keys_are_reported_at_once() -> None:
    raw = changed("corpus.shards", 0)
    raw["sampling"] = {"temperature": -1, "secconds": 2}
    raw["adas"]["vq8"]["hop"] = "eight"
    reported = complaint(raw)
    for path in ("corpus.shards", "sampling.temperature", "sampling.secconds", "adas.vq8.hop"):
        assert f"    {path}: " in reported
    assert "(it is 'eight')" in reported


@pytest.mark.parametrize("name", ["vq", "argmax", "continuous", "bottleneck"])
def test_an_ada_may_be_named_as_a_bottleneck_is_and_is_still_reported(name: str) -> None:
    raw = raw_config()
    raw["adas"] = {**raw["adas"], name: {**raw["adas"]["vq8"], "hop": 1}}
    assert f"    adas.{name}.hop: " in complaint(raw)


@pytest.mark.parametrize("missing", ["corpus", "models"])
def test_a_missing_section_is_reported(missing: str) -> None:
    raw = raw_config()
    del raw[missing]
    assert f"    {missing}: missing" in complaint(raw)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("models.two.stack", ["vq8", "amae9"], ["models.two.stack", "'amae9'", "adas", "did you mean 'amae8'?"]),
        ("models.two.stack", ["xyz"], ["'xyz'", "known are: vq8, amae8, smooth"]),
        ("priors", {}, ["models.plain.prior names 'flat'", "priors; known are: none"]),
        ("models.one.kind", "stak", ["    models.one.kind: ", "'stak'", "'stack', 'jukebox'"]),
        ("models.one.titel", "One", ["    models.one.titel: unknown key; did you mean 'title'?"]),
        ("models.play", {"kind": "mel2mel", "title": "x", "mel2mel": "smal"}, ["models.play.mel2mel", "did you mean"]),
        ("models.play", {"kind": "mel2mel", "title": "x"}, ["    models.play.mel2mel: missing"]),
        ("models.play", {"kind": "mel2mel", "title": "x", "prior": "flat"}, ["    models.play.prior: unknown key"]),
        *(
            ("models.house", {"kind": "jukebox", "title": "x", "levels": ["fine", "coarse"], **over}, words)
            for over, words in [
                ({"levels": ["fine", "corse"]}, ["models.house.levels names 'corse'", "did you mean 'coarse'?"]),
                ({"levels": ["coarse", "fine"]}, ["models.house.levels have hops 32, 8", "the finest first"]),
                ({"prior": "smal"}, ["models.house.prior names 'smal'", "did you mean 'small'?"]),
                ({"prior": "small", "upsamplers": ["large"]}, ["models.house.upsamplers names 'large'", "small"]),
                ({"upsamplers": ["small"]}, ["models.house.upsamplers names 1, but needs a prior"]),
                ({"prior": "small", "upsamplers": ["small"] * 2}, ["names 2", "each of the 1 levels below"]),
                ({"prior": "small", "levels": ["codec"]}, ["several quantisers", "set codebook.quantisers to 1"]),
                ({"levels": []}, ["models.house.levels: "]),
            ]
        ),
        ("vqvaes.fine.hop", 12, ["vqvaes.fine", "hop is 12", "power of two"]),
        ("vqvaes.fine.training", {"window": 65}, ["vqvaes.fine", "window is 65", "hop 8", "set it to 72"]),
        (
            "vqvaes.fine.codebook",
            {"clases": 9},
            ["    vqvaes.fine.codebook.clases: unknown key; did you mean 'classes'?"],
        ),
        ("vqvaes.fine.loss", {"waveform": 0, "spectral": 0}, ["vqvaes.fine.loss", "all 0"]),
        (
            "models.sing",
            {"kind": "parts", "title": "x", "part_model": "voice"},
            ["models.sing.part_model", "did you mean"],
        ),
        ("part_models.voices.widht", 4, ["    part_models.voices.widht: unknown key; did you mean 'width'?"]),
        ("part_models.voices.kind", "lstm", ["    part_models.voices.kind: ", "'lstm'", "autoregressive_parts"]),
        ("part_models.voices.training", {"window": 40}, ["part_models.voices", "window is 40", "set it to 48"]),
        ("part_models.thesis", {"kind": "rmvae", "training": {"window": 16}}, ["2 at least", "set it to 32"]),
        ("part_models.thesis", {"kind": "rmvae", "kl_from": 0.5}, ["kl_from is 0.5, above kl_until, 0.4"]),
        ("mel2mels.small.kernel", 4, ["mel2mels.small", "kernel is 4", "odd"]),
        ("mel2mels.roll", {}, ["'roll' cannot be a name", "mel"]),
        ("mel", {"window": 65}, ["mel: window is 65", "even"]),
        ("mel", {"window": 64, "step": 65}, ["mel: step is 65, longer than window, 64"]),
        ("models.one.prior", "priors", ["models.one.prior", "'priors'", "did you mean 'prior'?"]),
        ("priors.prior.wavenet", "larg", ["priors.prior.wavenet", "'larg'", "did you mean 'large'?"]),
        ("adas.vq8.local_model", "huge", ["adas.vq8.local_model", "'huge'", "wavenets"]),
        ("models.one.stack", ["smooth"], ["models.one.stack", "'smooth'", "continuous", "choose vq or argmax"]),
        ("adas.vq8.hop", 6, ["adas.vq8", "hop is 6", "power of two"]),
        ("adas.vq8.hop", 1, ["adas.vq8.hop", "it is 1"]),
        ("adas.vq8.training", {"window": 65}, ["adas.vq8", "window is 65", "hop 8", "set it to 72"]),
        ("adas.vq8.encoder", {"kernel": 4}, ["adas.vq8.encoder", "odd"]),
        ("adas.vq8.bottleneck", {"kind": "fsq"}, ["adas.vq8.bottleneck", "'vq'", "'argmax'"]),
        ("wavenets.small", {**SMALL, "gate_channels": 7}, ["adas.vq8.local_model", "gate_channels is 7", "even"]),
        ("training.schedule", {"warmup_steps": 10}, ["training", "warmup_steps is 10", "steps is 10"]),
        ("corpus.source", "folder", ["corpus", "folder.path"]),
        ("models", {}, ["models is empty"]),
        ("models.audio", {"title": "x", "prior": "flat"}, ["'audio'", "cannot be a name"]),
        ("models.Two.x", 1, ["models.Two"]),
        ("priors.a-b", {"wavenet": SMALL}, ["'a-b'", "lower-case"]),
        ("adas.amae8.encoder", {"input": "scalar"}, ["models.two.stack puts 'amae8' on codes", "scalar", "embedding"]),
    ],
)
def test_a_mistake_is_reported_with_its_place_and_what_would_do(path: str, value: object, words: list[str]) -> None:
    reported = complaint(changed(path, value))
    assert [word for word in words if word not in reported] == []


@pytest.mark.parametrize("value", [None, 3, "text", [1]])
@pytest.mark.parametrize(
    "path",
    [
        "adas",
        "adas.vq8",
        "adas.vq8.training",
        "adas.vq8.training.schedule",
        "adas.vq8.local_model",
        "adas.vq8.bottleneck",
        "priors",
        "priors.prior",
        "priors.prior.wavenet",
        "wavenets",
        "wavenets.small",
        "training",
        "models",
        "models.two",
        "models.two.stack",
        "corpus",
        "sampling",
    ],
)
def test_a_value_of_the_wrong_kind_is_never_a_traceback(path: str, value: object) -> None:
    # a key left empty in YAML is None
    try:
        parse(changed(path, value))
    except ConfigError as reported:
        assert path.split(".")[0] in reported.problem or path in ("wavenets", "wavenets.small", "training")
    else:
        assert value is None, "only an empty key can stand for its defaults"


def test_scalar_input_is_for_audio() -> None:
    raw = changed("adas.vq8.encoder", {"input": "scalar"})
    assert parse(raw).adas["vq8"].encoder.input == "scalar"


def test_a_resolved_configuration_is_its_own_resolution() -> None:
    config = parse(raw_config())
    assert Config.model_validate(config.model_dump(mode="json")) == config
    assert Config.model_validate_json(config.model_dump_json()) == config


LEAVES = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """Nested mappings; a name in capitals always holds a mapping and one in small letters never."""
    tree: dict[str, Any] = draw(st.dictionaries(st.sampled_from("abc"), LEAVES))
    if depth:
        tree.update(draw(st.dictionaries(st.sampled_from("AB"), trees(depth - 1))))
    return tree


@given(one=trees(), two=trees(), three=trees())
def test_merging_is_associative_idempotent_and_has_the_empty_mapping_as_unit(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    before = copy.deepcopy((one, two, three))
    assert merge(merge(one, two), three) == merge(one, merge(two, three))
    assert merge(one, one) == one
    assert merge(one, {}) == merge({}, one) == one
    assert (one, two, three) == before, "what is merged is not changed"


@given(base=trees(), over=trees())
def test_what_lies_over_wins_and_what_it_does_not_name_stays(base: dict[str, Any], over: dict[str, Any]) -> None:
    def check(base: dict[str, Any], over: dict[str, Any], merged: dict[str, Any]) -> None:
        assert merged.keys() == base.keys() | over.keys()
        for key, value in merged.items():
            if isinstance(value, dict):
                check(base.get(key, {}), over.get(key, {}), value)
            else:
                assert value == (over[key] if key in over else base[key])

    check(base, over, merge(base, over))


def test_a_mapping_and_a_value_replace_each_other_whole() -> None:
    assert merge({"a": {"b": 1}}, {"a": 2}) == {"a": 2}
    assert merge({"a": 2}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


def test_files_are_laid_over_each_other(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(raw_config()))
    (tmp_path / "over.yaml").write_text("seed: 7\ntraining: {steps: 20}\nadas: {vq8: {hop: 16}}\n")
    config = load(tmp_path / "base.yaml", tmp_path / "over.yaml")
    assert (config.seed, config.adas["vq8"].training.steps, config.adas["vq8"].hop) == (7, 20, 16)
    assert config.adas["vq8"].training.schedule.warmup_steps == 2, "what is not named stays"


def test_batches_that_several_gpus_cannot_share_are_reported_with_their_key() -> None:
    with pytest.raises(ConfigError, match=r"adas\.vq8\.training\.accumulate is 1, which gpus_per_job \(2\)"):
        parse(raw_config(gpus_per_job=2))
    shared = raw_config(gpus_per_job=2)
    shared["training"]["accumulate"] = 4
    assert parse(shared).gpus_per_job == 2


def test_scores_are_rendered_at_a_rate_that_the_models_are_not_above() -> None:
    assert parse(raw_config()).render_rate == 22050
    assert parse(changed("audio.sample_rate", 44100)).render_rate == 44100
    low = changed("corpus.scores", {"render_rate": 22050})
    low["audio"] = {"sample_rate": 44100}
    words = complaint(low)
    assert "corpus.scores.render_rate is 22050, below audio.sample_rate, 44100" in words
    assert "nothing above 11025 Hz" in words
    # recordings are not rendered
    assert parse({**low, "corpus": {**low["corpus"], "source": "folder", "folder": {"path": "x"}}})


@pytest.mark.parametrize(
    ("programs", "words"), [([0, 0], "stands twice"), ([128], "programs"), ([-1], "programs"), ([], "programs")]
)
def test_programs_are_those_of_general_midi(programs: list[int], words: str) -> None:
    assert parse(changed("corpus.scores", {"programs": [0, 127]})).corpus.scores.programs == (0, 127)
    assert words in complaint(changed("corpus.scores", {"programs": programs}))


def test_a_row_of_parts_shares_the_common_training_and_needs_no_audio() -> None:
    raw = raw_config()
    raw["models"]["sing"] = {"kind": "parts", "title": "Sing", "part_model": "voices"}
    config = parse(raw)
    assert config.part_models["voices"].training == config.adas["vq8"].training
    # parts have a source of their own, whatever the recordings are
    assert parse({**raw, "corpus": {"source": "folder", "folder": {"path": "x"}}}).parts.source == "chorales"


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"source": "quartets"}, "set form: polyphonic"),
        ({"form": "polyphonic", "source": "jsb16", "jsb16": "x"}, "set another source"),
        ({"source": "folder", "folder": "x", "voices": 2}, "monophonic pieces have four"),
        ({"form": "polyphonic", "voices": 2}, "chorales have four"),
    ],
)
def test_sources_of_parts_have_their_form(parts: dict[str, Any], problem: str) -> None:
    assert problem in complaint({**raw_config(), "parts": parts})


def test_polyphonic_parts_have_rows_that_learn_them_and_compose_no_task() -> None:
    raw = raw_config()
    raw["models"]["sing"] = {"kind": "parts", "title": "Sing", "part_model": "voices"}
    raw["parts"] = {"form": "polyphonic"}
    assert "models.sing trains 'voices', of the kind autoregressive_parts" in complaint(raw)
    raw["part_models"]["voices"] = {"kind": "rmvae", "training": {"window": 48}}
    config = parse(raw)
    assert config.composing_row(Compose()) is None, "the network that ships"
    asked = {**raw, "compose": {"row": "sing"}}
    assert "compose.row names 'sing', which learns polyphonic parts" in complaint(asked)
    assert "snakemake parts_drawn" in complaint(asked)


def test_rows_of_parts_are_heard_where_they_are_named_or_nothing_else_is() -> None:
    raw = raw_config()
    raw["models"] |= {name: {"kind": "parts", "title": name, "part_model": "voices"} for name in ("sing", "hum")}

    def heard(raw: dict[str, Any], **listening: Any) -> tuple[str, ...]:
        return parse({**raw, "listening": listening}).heard_parts

    assert heard(raw) == () and heard(raw, models=["sing"]) == ("sing",)
    alone = {**raw, "rows": ["sing", "hum"]}
    assert heard(alone) == ("sing", "hum") and heard(alone, models=["hum"]) == ("hum",)
    mixed = {**raw, "listening": {"models": ["sing", "plain"]}}
    assert "listening.models names 'plain' beside 'sing', a row of parts" in complaint(mixed)
    # two measures of four quarters, 80 a minute
    small = {**alone, "evaluation": {"parts": {"pieces": 3, "measures": 2}}}
    assert heard(small, items=3, seconds=6) == ("sing", "hum")
    for key, more, words in (
        ("items", 4, "items is 4 but evaluation.parts.pieces makes 3"),
        ("seconds", 6.5, "seconds is 6.5 but evaluation.parts.measures makes 6"),
    ):
        assert words in complaint({**small, "listening": {key: more}})
    played = {**alone, "vocoders": {"bank": {"kind": "one_pass_vocoder"}}, "rows": ["sing", "play"]}
    played["models"] = {
        **raw["models"],
        "play": {"kind": "mel2mel", "title": "Play", "mel2mel": "small", "vocoder": "bank"},
    }
    assert heard(played) == () and heard(played, models=["sing"]) == ("sing",)


def with_mel2mel(**over: Any) -> dict[str, Any]:
    raw = raw_config(**over)
    raw["models"] = {**raw["models"], "play": {"kind": "mel2mel", "title": "Play", "mel2mel": "small"}}
    return raw


def test_a_mel2mel_shares_the_common_training_and_learns_from_scores_only() -> None:
    config = parse(with_mel2mel())
    assert config.mel2mels["small"].training == config.adas["vq8"].training
    assert Config.model_validate_json(config.model_dump_json()) == config
    recordings = {"source": "folder", "folder": {"path": "x"}}
    assert "models.play learns from scores, but corpus.source is 'folder'" in complaint(with_mel2mel(corpus=recordings))


def test_a_mel2mel_needs_no_prior_and_nobody_listens_to_it() -> None:
    alone = with_mel2mel()
    alone["models"] = {"play": alone["models"]["play"]}
    for section in ("adas", "priors", "wavenets"):
        del alone[section]
    assert list(parse(alone).models) == ["play"]
    heard = {"models": ["plain", "play"]}
    assert "listening.models names 'play', which makes no audio" in complaint(with_mel2mel(listening=heard))


def test_a_tuning_needs_a_vocoder() -> None:
    raw = with_mel2mel()
    raw["models"]["play"]["vocoder_tuning"] = {"steps": 1, "batch": 1, "window": 4096}
    assert "models.play.vocoder_tuning has no vocoder to train" in complaint(raw)
    raw["vocoders"] = {"bank": {"kind": "one_pass_vocoder"}}
    raw["models"]["play"]["vocoder"] = "bank"
    assert parse(raw).models["play"].vocoder_tuning.steps == 1
    raw["models"]["play"]["vocoder_tuning"]["start_from"] = "model.safetensors"
    assert "vocoder_tuning.start_from is the vocoder itself" in complaint(raw)
    del raw["models"]["play"]["vocoder_tuning"]["start_from"]
    for networks in ("training",):
        raw[networks]["accumulate"] = 2
    assert "models.play.vocoder_tuning.accumulate is 1, which gpus_per_job (2)" in complaint({**raw, "gpus_per_job": 2})


@pytest.mark.parametrize(
    "image", ["descant.sif", "/images/descant-1.sif", "docker://me/descant:1", "oras://host/a@sha256:b"]
)
def test_an_image_is_a_file_or_an_address(image: str) -> None:
    assert parse(raw_config(container=image)).container == image


@pytest.mark.parametrize("image", ["", "my image.sif", "a.sif;touch b", "$(b)", "{model}.sif", "-a.sif", "a'.sif"])
def test_an_image_that_needs_quotes_is_refused(image: str) -> None:
    assert "    container: " in complaint(raw_config(container=image))
