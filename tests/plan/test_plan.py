"""The plan: names, laws of stacks of any depth, and what rows share."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.config.loading import load, merge, parse
from descant.config.reading import read_yaml
from descant.config.root import Config
from descant.errors import ConfigError
from descant.plan.parts import Draw, Likelihood, Route, Sequence
from descant.plan.plan import Plan, make_plan
from descant.plan.windows import windows

ROOT = Path(__file__).parents[2]
DEFAULT = read_yaml(ROOT / "config.yaml")
SMALL = {"stacks": 1, "layers_per_stack": 3, "kernel": 2, "start_kernel": 2}
Written = tuple[dict[str, list[str]], dict[str, int]]


def config_of(stacks: dict[str, list[str]], hops: dict[str, int], **over: Any) -> Config:
    """Rows of the stacks with one prior, `top`, which sees 9 steps."""
    ada = {"bottleneck": {"kind": "vq", "classes": 16}, "local_model": SMALL, "training": {"window": 4096}}
    training = {"steps": 10, "batch": 2, "window": 64, "schedule": {"decay": "linear", "warmup_steps": 2}}
    return parse(
        {
            "corpus": {},
            "training": training,
            "adas": {name: {**ada, "hop": hop} for name, hop in hops.items()},
            "priors": {"top": {"wavenet": SMALL}},
            "models": {name: {"title": name, "stack": stack, "prior": "top"} for name, stack in stacks.items()},
            **over,
        }
    )


def plan_of(stacks: dict[str, list[str]], hops: dict[str, int], **over: Any) -> Plan:
    return make_plan(config_of(stacks, hops, **over))


def test_a_plain_wavenet_and_a_stack_of_two() -> None:
    stacks = {"flat": [], "two": ["vq", "upper"]}
    plan = plan_of(stacks, {"vq": 8, "upper": 4}, sampling={"seconds": 1.0}, audio={"sample_rate": 16001})
    assert list(plan.sequences.values()) == [
        Sequence("audio", 1, 256),
        Sequence("upper", 4, 16, 1, "audio", "upper"),
        Sequence("vq", 8, 16, 1, "audio", "vq"),
        Sequence("vq.upper", 32, 16, 2, "vq", "vq.upper"),
    ]
    assert [(each.name, each.kind, each.inputs["steps"], each.encodes) for each in plan.trainings.values()] == [
        ("upper", "ada", "audio", "upper"),
        ("vq", "ada", "audio", "vq"),
        ("vq.upper", "ada", "vq", "vq.upper"),
        ("top-on-audio", "wavenet", "audio", None),
        ("top-on-vq.upper", "wavenet", "vq.upper", None),
    ]
    assert [each.name for each in plan.trained] == ["vq", "vq.upper", "top-on-audio", "top-on-vq.upper"]
    assert [each.name for each in plan.encoded] == ["vq", "vq.upper"]
    flat, two = plan.routes["flat"], plan.routes["two"]
    assert flat.draws == (Draw(0, "top-on-audio", 16001),)
    assert flat.likelihoods == ("top-on-audio",)
    assert two.draws == (Draw(2, "top-on-vq.upper", 501), Draw(1, "vq.upper", 2001, 2), Draw(0, "vq", 16001, 1))
    assert two.likelihoods == ("vq", "vq.upper", "top-on-vq.upper")
    assert two.sequences == ("audio", "vq", "vq.upper") and two.top == "vq.upper"
    assert plan.likelihoods["top-on-vq.upper"] == Likelihood("top-on-vq.upper", "top-on-vq.upper", "vq.upper")
    assert plan.likelihoods["vq.upper"] == Likelihood("vq.upper", "vq.upper", "vq", "vq.upper")
    assert plan.likelihoods["vq.upper-shuffled"] == Likelihood("vq.upper-shuffled", "vq.upper", "vq", "vq.upper", True)
    assert (flat.receptive_field, two.receptive_field) == (9, 9 * 32)
    assert [each.name for each in plan.decoders("vq.upper")] == ["vq.upper", "vq"]
    assert plan.decoders("audio") == ()


def test_levels_of_jukebox_each_encode_the_waveform_and_are_shared_by_rows() -> None:
    level = {"codebook": {"classes": 1024}, "training": {"window": 4096}}
    books = {"classes": 256, "quantisers": 4}
    plan = plan_of(
        {"flat": []},
        {},
        sampling={"seconds": 1.0},
        audio={"sample_rate": 16001},
        transformers={"small": {"context": 64, "training": {"window": 64}}},
        vqvaes={
            "fine": {**level, "hop": 32},
            "coarse": {**level, "hop": 256},
            "codec": {**level, "hop": 256, "codebook": books},
        },
        models={
            "both": {"kind": "jukebox", "title": "both", "levels": ["fine", "coarse"]},
            "one": {"kind": "jukebox", "title": "one", "levels": ["coarse"]},
            "residual": {"kind": "jukebox", "title": "residual", "levels": ["codec"]},
            "drawn": {
                "kind": "jukebox",
                "title": "drawn",
                "levels": ["fine", "coarse"],
                "prior": "small",
                "upsamplers": ["small"],
            },
            "top": {"kind": "jukebox", "title": "top", "levels": ["fine", "coarse"], "prior": "small"},
        },
    )
    assert [each for each in plan.sequences.values() if each.encoded_by] == [
        Sequence("coarse", 256, 1024, 1, "waveform", "coarse", step_bytes=2),
        Sequence("codec", 256, 256, 1, "waveform", "codec", channels=4, step_bytes=4),
        Sequence("fine", 32, 1024, 1, "waveform", "fine", step_bytes=2),
    ]
    assert plan.sequences["waveform"] == Sequence("waveform", 1, 0, step_bytes=2)
    assert [(each.name, each.kind, dict(each.inputs), each.encodes) for each in plan.trained] == [
        ("coarse", "vqvae", {"waveform": "waveform"}, "coarse"),
        ("codec", "vqvae", {"waveform": "waveform"}, "codec"),
        ("fine", "vqvae", {"waveform": "waveform"}, "fine"),
        ("small-on-coarse", "transformer", {"steps": "coarse"}, None),
        ("small-on-fine-given-coarse", "upsampler", {"steps": "fine", "upper": "coarse"}, None),
    ]
    drawn, top = plan.routes["drawn"], plan.routes["top"]
    assert drawn == Route(
        "drawn",
        ("small-on-coarse", "small-on-fine-given-coarse", "fine", "coarse"),
        (Draw(2, "small-on-coarse", 63), Draw(1, "small-on-fine-given-coarse", 501, 2)),
        ("fine", "coarse"),
        ("small-on-fine-given-coarse", "small-on-coarse"),
        64 * 256,
        "fine",
        Draw(2, "small-on-coarse", 63),
    )
    # without upsamplers what the prior draws is heard
    assert (top.draws, top.decoder) == ((Draw(2, "small-on-coarse", 63),), "coarse")
    assert top.likelihoods == ("small-on-coarse",)
    given_coarse = plan.likelihoods["small-on-fine-given-coarse"]
    assert (given_coarse.scored, given_coarse.given, given_coarse.shuffled) == ("fine", "coarse", False)
    assert plan.routes["both"] == Route("both", ("fine", "coarse"), sequences=("fine", "coarse"))
    assert [(one.title, one.frames, one.vocoder, one.of_codes) for one in plan.renderings.values()] == [
        ("fine", "fine", "fine", True),
        ("coarse", "coarse", "coarse", True),
        ("codec", "codec", "codec", True),
    ]
    assert not plan.beside


@st.composite
def written(draw: st.DrawFn) -> Written:
    """Rows by their stacks, and the hop of every ADA."""
    powers = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    hops = {f"ada{number}": 2**power for number, power in enumerate(powers)}
    stacks = draw(st.lists(st.lists(st.sampled_from(list(hops)), max_size=3), min_size=1, max_size=4))
    return {f"m{number}": stack for number, stack in enumerate(stacks)}, hops


@given(written())
def test_laws_of_stacks(given: Written) -> None:
    stacks, hops = given
    config = config_of(stacks, hops)
    plan = make_plan(config)
    for named in (plan.sequences, plan.trainings, plan.likelihoods):
        assert all(name == part.name for name, part in named.items())
    seen: set[str | None] = {None}
    for sequence in plan.sequences.values():
        assert sequence.encoded_from in seen, "a sequence comes after the one that it is encoded from"
        seen.add(sequence.name)
        if sequence.encoded_from:
            below, encoder = plan.sequences[sequence.encoded_from], plan.trainings[str(sequence.encoded_by)]
            assert encoder.inputs == {"steps": below.name} and encoder.encodes == sequence.name
            assert sequence.hop == below.hop * encoder.settings.hop
            assert sequence.depth == below.depth + 1 == len(plan.decoders(sequence.name))
    made: set[str | None] = {"audio"}
    for training in plan.trained:
        assert set(training.inputs.values()) <= made, "a training comes after those whose codes it learns"
        made.add(training.encodes)
    for name, stack in stacks.items():
        route = plan.routes[name]
        assert len(route.draws) == len(route.sequences) == len(route.likelihoods) == len(stack) + 1
        assert plan.sequences[route.top].hop == math.prod(hops[ada] for ada in stack)
        top, *lower = route.draws
        assert top.given is None and plan.trainings[top.training].inputs == {"steps": route.top}
        for above, draw in zip(route.draws, lower, strict=False):
            assert draw.given == above.level == draw.level + 1
        for draw in route.draws:
            hop = plan.sequences[route.sequences[draw.level]].hop
            assert 0 <= draw.steps * hop - round(config.sampling.seconds * 16000) < hop
        for level, likelihood in enumerate(plan.likelihoods[name] for name in route.likelihoods):
            assert likelihood.scored == route.sequences[level] and not likelihood.shuffled
            assert likelihood.given == (None if level == len(stack) else route.sequences[level + 1])


@given(written(), st.data())
def test_a_row_s_part_of_the_plan_does_not_depend_on_other_rows(given: Written, data: st.DataObject) -> None:
    stacks, hops = given
    row = data.draw(st.sampled_from(list(stacks)))
    whole, alone = plan_of(stacks, hops), plan_of({row: stacks[row]}, hops)
    assert whole.routes[row] == alone.routes[row]
    assert {each.name for each in alone.trained} <= {each.name for each in whole.trained}
    assert alone.sequences.items() <= whole.sequences.items()
    assert all(whole.trainings[name] == training for name, training in alone.trainings.items())
    assert alone.likelihoods.items() <= whole.likelihoods.items()


@given(written())
def test_two_stacks_never_share_a_name(given: Written) -> None:
    stacks, hops = given
    plan = plan_of(stacks, hops)
    paths = {tuple(stack[: n + 1]) for stack in stacks.values() for n in range(len(stack))} | {(ada,) for ada in hops}
    tops = {tuple(stack) for stack in stacks.values()}
    assert len(plan.sequences) == len(paths) + 1
    assert len(plan.trainings) == len(paths) + len(tops)
    assert len(plan.likelihoods) == 2 * len(paths) + len(tops)


def test_a_continuous_ada_can_be_asked_for_and_encodes_nothing() -> None:
    smooth = {"hop": 8, "bottleneck": {"kind": "continuous"}, "local_model": "local"}
    plan = make_plan(parse(merge(DEFAULT, {"adas": {"smooth": smooth}})))
    assert plan.trainings["smooth"].encodes is None
    assert "smooth" not in plan.sequences and "smooth" not in plan.likelihoods
    assert "smooth" not in {each.name for each in plan.trained}


def test_the_paper_has_the_paper_s_receptive_fields() -> None:
    config = load(ROOT / "config.yaml", ROOT / "config" / "paper.yaml")
    fields = [route.receptive_field for route in make_plan(config).routes.values()]
    assert fields == [6141, 12279, 49149, 49128, 393024, 393024, 393024]
    printed = [model.paper.receptive_field_ms for model in config.models.values() if model.paper]
    assert printed == [384, 768, 3072, 3072, 24576, 24576, 24576]
    for samples, ms in zip(fields, printed, strict=True):
        # the paper rounds 6,141 up to 6,144 and multiplies
        assert samples == pytest.approx(ms * 16, rel=1e-3)


def test_the_demo_keeps_the_paper_s_proportions() -> None:
    routes = make_plan(parse(DEFAULT)).routes
    fields = [route.receptive_field for row, route in routes.items() if row != "linear_prediction"]
    assert [round(field / fields[0]) for field in fields] == [1, 2, 8, 8, 64, 64, 64]


def test_a_population_trains_the_network_that_names_it() -> None:
    plan = make_plan(parse(DEFAULT))
    assert [each.name for each in plan.trained if each.population] == ["vqvae8.vqvae8_pbt"]


def test_planning_needs_neither_torch_nor_snakemake() -> None:
    code = "import sys, descant.plan.plan; print([n for n in ('torch', 'snakemake', 'pandas') if n in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_what_is_read_beside_the_audio_is_planned_once() -> None:
    prediction = {"order": 32, "perturb": {"hidden": 0.2}}
    shape = {**SMALL, "linear_prediction": prediction}
    ada = {"bottleneck": {"kind": "vq", "classes": 16}, "hop": 8, "training": {"window": 4096}}
    plan = plan_of(
        {"flat": [], "stack": ["vq"]},
        {},
        adas={"vq": {**ada, "local_model": shape}},
        priors={"top": {"wavenet": SMALL}, "predicting": {"wavenet": shape}},
        models={
            "flat": {"title": "flat", "prior": "predicting"},
            "stack": {"title": "stack", "stack": ["vq"], "prior": "top"},
        },
    )
    past, predicted = plan.beside
    assert plan.trainings["vq"].inputs == {"steps": "audio", "predicted": predicted.name, "past": past.name}
    assert plan.trainings["predicting-on-audio"].inputs == plan.trainings["vq"].inputs
    assert plan.trainings["top-on-vq"].inputs == {"steps": "vq"}
    assert (past.classes, past.encoded_from, predicted.classes, predicted.encoded_from) == (256, "audio", 0, past.name)
    assert predicted.predicted_by is not None and predicted.predicted_by.order == 32
    # neither is a level of a row
    assert plan.routes["stack"].sequences == ("audio", "vq") and [each.name for each in plan.encoded] == ["vq"]


def test_without_a_perturbed_past_the_audio_itself_is_predicted() -> None:
    shape = {**SMALL, "linear_prediction": {"perturb": None}}
    plan = plan_of({"flat": []}, {}, priors={"top": {"wavenet": shape}})
    (predicted,) = plan.beside
    assert predicted.encoded_from == "audio"
    assert plan.trainings["top-on-audio"].inputs == {"steps": "audio", "predicted": predicted.name}


@pytest.mark.parametrize("key", ["adas.upper.local_model", "priors.top.wavenet"])
def test_codes_are_not_predicted(key: str) -> None:
    section, name, shape = key.split(".")
    over = {section: {name: {shape: {"linear_prediction": {}}}}}
    config = {"flat": ["vq", "upper"]}
    raw = merge(config_of(config, {"vq": 8, "upper": 4}).model_dump(mode="json"), over)
    with pytest.raises(ConfigError, match=f"{key} on codes, but its linear_prediction is of audio"):
        parse(raw)


def mel2mel_plan(**over: Any) -> Plan:
    """Two rows of one network, one of a wider one, and no stack."""
    rows = {"play": "small", "again": "small", "wide": "large"}
    raw = {
        "corpus": {"scores": {"programs": [0, 19, 48]}},
        "training": {"steps": 10, "batch": 2, "window": 64},
        "mel2mels": {"small": {"width": 8}, "large": {"width": 16}},
        "models": {name: {"kind": "mel2mel", "title": name, "mel2mel": of} for name, of in rows.items()},
    }
    return make_plan(parse(merge(raw, over)))


def test_a_mel2mel_learns_frames_of_the_recordings_from_frames_of_the_scores() -> None:
    plan = mel2mel_plan(mel={"bands": 40, "step": 64})
    mel, roll = plan.sequences["mel"], plan.sequences["roll"]
    assert (mel.classes, mel.hop, mel.channels, mel.encoded_from) == (0, 64, 40, "waveform")
    assert (roll.classes, roll.hop, roll.channels, roll.encoded_from) == (0, 64, 176, "waveform")
    assert list(plan.trainings) == ["large-from-roll", "small-from-roll"]
    training = plan.trainings["small-from-roll"]
    assert training.kind == "mel2mel" and training.inputs == {"mel": "mel", "roll": "roll"} and training.encodes is None
    assert plan.learnt(training) == mel and set(plan.beside) == {mel, roll} and plan.encoded == ()
    assert training.size.parameters == mel2mel_plan(mel={"bands": 40}).trainings["small-from-roll"].size.parameters


def test_a_mel2mel_has_a_route_with_no_draws_and_no_bound() -> None:
    plan = mel2mel_plan()
    assert plan.routes["play"] == Route("play", ("small-from-roll",))
    assert not plan.likelihoods and plan.routes["again"].trainings == plan.routes["play"].trainings
    config = parse(
        {
            "corpus": {},
            "mel2mels": {"small": {"training": {"steps": 1, "batch": 1, "window": 64}}},
            "models": {"play": {"kind": "mel2mel", "title": "play", "mel2mel": "small"}},
        }
    )
    (window,) = windows(config, make_plan(config))
    assert (window.key, window.rows, window.steps, window.hop) == ("mel2mels.small.training.window", ("play",), 64, 128)


def test_the_window_of_a_tuning_is_that_of_its_row() -> None:
    raw = {
        "corpus": {},
        "mel2mels": {"small": {"training": {"steps": 1, "batch": 1, "window": 64}}},
        "vocoders": {"bank": {"kind": "one_pass_vocoder", "training": {"steps": 1, "batch": 1, "window": 4096}}},
    }
    row = {"kind": "mel2mel", "title": "play", "mel2mel": "small", "vocoder": "bank"}
    config = parse({**raw, "models": {"play": {**row, "vocoder_tuning": {"steps": 1, "batch": 1, "window": 8192}}}})
    keys = {window.key: window.steps for window in windows(config, make_plan(config))}
    assert keys["models.play.vocoder_tuning.window"] == 8192 and keys["vocoders.bank.training.window"] == 4096


def test_a_vocoder_is_heard_on_true_and_on_predicted_frames_and_tuned_on_these() -> None:
    training = {"steps": 10, "batch": 1, "window": 4096}
    row = {"kind": "mel2mel", "title": "Play", "mel2mel": "small", "vocoder": "bank"}
    rows = {"again": None, "wide": None, "play": {**row, "vocoder_tuning": {**training, "steps": 3}}}
    vocoders = {"bank": {"kind": "one_pass_vocoder", "channels": 8, "blocks": 1, "training": training}}
    plan = mel2mel_plan(models=rows, vocoders=vocoders)
    tuned = "bank-from-mel-of-small-from-roll"
    assert plan.routes["play"].trainings == ("small-from-roll", "bank-from-mel", tuned)
    performed = plan.sequences["mel-of-small-from-roll"]
    assert (performed.encoded_from, performed.performed_by) == ("roll", "small-from-roll")
    assert (performed.hop, performed.channels) == (plan.sequences["mel"].hop, plan.sequences["mel"].channels)
    training_on_it, first = plan.trainings[tuned], plan.trainings["bank-from-mel"]
    assert training_on_it.inputs == {"waveform": "waveform", "mel": performed.name}
    assert (training_on_it.starts_from, training_on_it.settings.training.steps) == ("bank-from-mel", 3)
    assert first.starts_from is None and training_on_it.size == first.size
    assert [(one.title, one.frames, one.vocoder) for one in plan.renderings.values()] == [
        ("mu-law alone", None, None),
        ("true mel, Griffin-Lim", "mel", None),
        ("true mel, bank", "mel", "bank-from-mel"),
        ("Play, bank", performed.name, "bank-from-mel"),
        ("Play, bank tuned on it", performed.name, tuned),
    ]
    ceiling = plan.renderings["bank-from-mel-of-mel"]
    assert [one.of_true_frames for one in plan.renderings.values()] == [None] * 3 + [ceiling.name] * 2
    bank = {"bank": {**vocoders["bank"], "reads_roll": True}}
    rolls = [training.inputs.get("roll") for training in mel2mel_plan(models=rows, vocoders=bank).trainings.values()]
    assert rolls == ["roll"] * 3
    # a row that comes later shares what has one name
    assert list(mel2mel_plan(models={**rows, "again": row}, vocoders=vocoders).renderings) == list(plan.renderings)


def test_rows_that_make_one_thing_differently_or_are_called_the_same_are_refused() -> None:
    training = {"steps": 10, "batch": 1, "window": 4096}
    vocoders = {"bank": {"kind": "one_pass_vocoder", "channels": 8, "blocks": 1, "training": training}}
    row = {"kind": "mel2mel", "title": "Play", "mel2mel": "small", "vocoder": "bank"}
    tuned = {
        name: {**row, "title": name, "vocoder_tuning": {**training, "steps": steps}}
        for name, steps in (("a", 2), ("b", 3))
    }
    with pytest.raises(ConfigError, match="two rows make bank-from-mel-of-small-from-roll with different settings"):
        mel2mel_plan(models={"play": None, "again": None, "wide": None, **tuned}, vocoders=vocoders)
    wide = {**row, "mel2mel": "large"}
    with pytest.raises(ConfigError, match="two rows would both be shown as 'Play, bank'"):
        mel2mel_plan(models={"play": row, "again": None, "wide": wide}, vocoders=vocoders)


def test_a_mel2mel_beside_stacks_changes_nothing_of_theirs() -> None:
    row = {"kind": "mel2mel", "title": "play", "mel2mel": "small"}
    both = make_plan(parse(merge(DEFAULT, {"mel2mels": {"small": {}}, "models": {"play": row}})))
    alone = make_plan(parse(DEFAULT))
    assert {name: route for name, route in both.routes.items() if name != "play"} == alone.routes
    assert alone.sequences.items() <= both.sequences.items() and alone.trainings.items() <= both.trainings.items()
    assert both.likelihoods == alone.likelihoods and both.encoded == alone.encoded


def parts_plan(**over: Any) -> Plan:
    """Two rows of one autoregressive network, and one of an RMVAE."""
    rows = {"bach": "small", "again": "small", "thesis": "rmvae"}
    raw = {
        "corpus": {},
        "training": {"steps": 10, "batch": 2, "window": 128},
        "part_models": {"small": {"kind": "autoregressive_parts", "width": 8}, "rmvae": {"kind": "rmvae"}},
        "models": {name: {"kind": "parts", "title": name, "part_model": of} for name, of in rows.items()},
    }
    return make_plan(parse(merge(raw, over)))


def test_models_of_parts_learn_the_voices_of_scores() -> None:
    plan = parts_plan()
    parts = plan.sequences["parts"]
    assert (parts.classes, parts.channels, parts.hop, parts.unit, parts.encoded_from) == (130, 4, 1, "quarter", None)
    assert {name: training.kind for name, training in plan.trainings.items()} == {
        "rmvae-on-parts": "rmvae",
        "small-on-parts": "autoregressive_parts",
    }
    training = plan.trainings["small-on-parts"]
    assert training.inputs == {"parts": "parts"} and plan.learnt(training) == parts and training.encodes is None
    # nothing is drawn to audio, nothing is encoded, and there is no likelihood of audio
    assert plan.routes["bach"] == Route("bach", ("small-on-parts",)) and not plan.likelihoods
    assert plan.routes["again"].trainings == plan.routes["bach"].trainings
    assert plan.encoded == plan.beside == ()


def test_models_of_parts_beside_stacks_change_nothing_of_theirs() -> None:
    row = {"kind": "parts", "title": "bach", "part_model": "small"}
    over = {"part_models": {"small": {"kind": "autoregressive_parts"}}, "models": {"bach": row}}
    over["part_models"]["small"]["training"] = {"window": 128}
    config, before = parse(merge(DEFAULT, over)), parse(DEFAULT)
    both, alone = make_plan(config), make_plan(before)
    assert {name: route for name, route in both.routes.items() if name != "bach"} == alone.routes
    assert alone.sequences.items() <= both.sequences.items() and alone.trainings.items() <= both.trainings.items()
    assert both.likelihoods == alone.likelihoods and both.beside == alone.beside
    # what is said of recordings does not know of it
    assert windows(config, both) == windows(before, alone)
    (window,) = windows(config, both, "quarter")
    assert (window.key, window.rows, window.steps, window.hop) == (
        "part_models.small.training.window",
        ("bach",),
        128,
        1,
    )
