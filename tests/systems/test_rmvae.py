"""RMVAE: its bound against numbers worked by hand, missing voices, and the public code's defects."""

from itertools import product
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from chorales import chorale, pack_chorales
from hypothesis import given
from hypothesis import strategies as st
from small_models import input_of
from torch import Tensor

from descant.config.part_models import RMVAE
from descant.layers.parts import softmax_and_continue
from descant.modelfile import read_model
from descant.scores.parts import HELD
from descant.systems.polyphonic_rmvae import build_rmvae
from descant.systems.restore import restore
from descant.systems.rmvae import BaseRMVAE, RMVAESystem, ramp, subsets
from descant.training.devices import Devices
from descant.training.history import read_history
from descant.training.loop import Stretch
from descant.training.noise import torch_generator
from descant.training.session import Session, build_trainer, train_to_file

TRAINING = {"steps": 100, "batch": 4, "window": 48}
SILENT = {"scale": 0, "rhythm": 0, "semitone": 0, "tone": 0, "tritone": 0}
STILL = {"dense_dropout": 0, "lstm_dropout": 0, "convolution_dropout": 0, "input_noise": 0}
VERSIONS = pytest.mark.parametrize("version", ["recurrent", "convolutional"])


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The LSTM over measures of the thesis's small one has 512 units, of which these tests need few."""
    for shapes in ("descant.layers.rmvae.RECURRENT", "descant.layers.rmvae.CONVOLUTIONAL"):
        module, name = shapes.rsplit(".", 1)
        whole = getattr(__import__(module, fromlist=[name]), name)
        monkeypatch.setattr(shapes, {"small": whole["small"]._replace(measure_lstm=(16, 2))})


def section(**over: Any) -> RMVAE:
    return RMVAE.model_validate({"latent": 5, "training": TRAINING, **over})


def system(**over: Any) -> RMVAESystem:
    torch.manual_seed(0)
    built = build_rmvae(section(**over), {"parts": input_of("parts", classes=130, channels=4)})
    assert isinstance(built, RMVAESystem)
    return built


def music(batch: int = 2, measures: int = 3) -> Tensor:
    return torch.stack([torch.from_numpy(chorale(measures, seed)).long() for seed in range(batch)])


def mask(batch: int = 2, measures: int = 3, *missing: int) -> Tensor:
    kept = torch.ones(batch, measures, 4, dtype=torch.bool)
    kept[:, :, list(missing)] = False
    return kept


@VERSIONS
@pytest.mark.parametrize("recurrent_product", [True, False])
@torch.no_grad()
def test_a_missing_voice_changes_nothing(version: str, recurrent_product: bool) -> None:
    built = system(version=version, recurrent_product=recurrent_product).eval()
    tokens, others = music(), music()
    for missing in product(range(4), repeat=2):
        others[..., list(missing)] = torch.randint(130, others[..., list(missing)].shape)
        kept = mask(2, 3, *missing)
        assert torch.equal(built.predict(others, kept), built.predict(tokens, kept))
        others = music()
    assert not torch.equal(built.predict(tokens, mask(2, 3, 1)), built.predict(tokens, mask()))


@VERSIONS
@torch.no_grad()
def test_it_predicts_from_the_measures_so_far(version: str) -> None:
    built, tokens = system(version=version).eval(), music()
    said = built.predict(tokens, mask())
    assert said.shape == (2, 3, 16, 4, 130)
    torch.testing.assert_close(said.exp().sum(-1), torch.ones(2, 3, 16, 4))
    changed = tokens.clone()
    changed[:, 16:32] = HELD
    after = built.predict(changed, mask())
    assert torch.equal(after[:, 0], said[:, 0]) and not torch.equal(after[:, 1], said[:, 1])
    # a missing measure of one voice is one of the things that can be said
    kept = mask()
    kept[:, 1] = False
    assert torch.isfinite(built.predict(tokens, kept)).all()


class ByHand(RMVAESystem):
    """Says that all is equally likely, and has latents of known means and deviations."""

    def uniform(self) -> None:
        network = self.network
        network.posterior = lambda means, deviations, mask: (  # type: ignore[method-assign]
            torch.full_like(means[:, :, 0], 2.0),
            torch.full_like(means[:, :, 0], 0.5),
        )
        network.decode = (
            lambda latents, noise: softmax_and_continue(  # type: ignore[method-assign]
                torch.zeros(*latents.shape[:2], 16, 4, 130)
            )
        )


def by_hand(**over: Any) -> ByHand:
    built = ByHand(section(**over), 4, 130)
    built.uniform()
    return built


# of a latent of five dimensions, each of mean 2 and deviation 1/2
KL = 5 * (0.125 + 2 - 0.5 + log(2))
# of the four tokens of a quarter three are held: a half; the other is that and one of 129
NLL = log(2) + log(129) / 4


@pytest.mark.parametrize("offset", [1, 2])
def test_the_bound_is_that_of_hand(offset: int) -> None:
    built = by_hand(**SILENT, **STILL, offset=offset, subsets=2, kl_from=0, kl_until=0, kl_weight=0.25)
    result = built({"parts": music()}, torch_generator("n"))
    assert float(result.metrics["kl"]) == pytest.approx(KL, rel=1e-5)
    assert next(iter(result.metrics)) == built.headline == "nll_bound"
    assert float(result.metrics["nll_bound"]) == pytest.approx(NLL, rel=1e-5)
    # seven sets: all, each alone, two at random; divergences of all are over the tokens of the voices that are there
    sets = subsets(4, 2, torch_generator("n")).sum(1)
    expected = NLL + 0.25 * KL * len(sets) / (16 * int(sets.sum()))
    assert result.loss.item() == pytest.approx(expected, rel=1e-5)
    figures = built.validate({"parts": music()}, torch_generator("n"))
    assert next(iter(figures)) == "nll_bound" and float(figures["nll_bound"]) == pytest.approx(NLL, rel=1e-5)
    # at a half it says that all is held
    assert float(figures["accuracy_changed"]) == 0 and float(figures["accuracy"]) == 0.75


@pytest.mark.parametrize(("offset", "expected"), [(1, log(2) + log(129) / 2), (2, log(2) + log(129))])
def test_what_is_learnt_are_the_measures_ahead(offset: int, expected: float) -> None:
    # all is held, but in the last of three measures, where every token begins a note
    tokens = torch.full((2, 48, 4), HELD)
    tokens[:, 32:] = 60
    built = by_hand(**SILENT, **STILL, offset=offset)
    assert float(built({"parts": tokens}, torch_generator("n")).metrics["nll_bound"]) == pytest.approx(expected)
    assert float(built.validate({"parts": tokens}, torch_generator("n"))["nll_bound"]) == pytest.approx(expected)


def test_losses_that_know_of_music_are_added_with_their_weights() -> None:
    # the thesis's code keeps these weights in tuples
    weights = {"scale": 0.5, "rhythm": 0.25, "semitone": 2.0, "tone": 3.0, "tritone": 4.0}
    batch, noise = {"parts": music()}, torch_generator
    plain, musical = (by_hand(**{**SILENT, **STILL, **over}) for over in ({}, weights))
    without, result = plain(batch, noise("n")), musical(batch, noise("n"))
    expected = sum(weight * float(result.metrics[name]) for name, weight in weights.items())
    assert (result.loss - without.loss).item() == pytest.approx(expected, rel=1e-4)
    # a pitch begins with a half of 1 / 129 in each of four voices: 11 of 12 classes have 11 or 10 pitches
    classes = torch.tensor([11.0] * 8 + [10.0] * 4) * 4 / 258
    for name, interval in (("semitone", 1), ("tone", 2), ("tritone", 6)):
        by_class = float((classes * classes.roll(interval)).sum())
        assert float(result.metrics[name]) == pytest.approx(by_class, rel=1e-4)
    # of 16 places four have notes, in any voice
    assert float(result.metrics["rhythm"]) == pytest.approx(128 / 258 * (12 - 4) / 16, rel=1e-4)


@given(st.integers(3, 6), st.integers(0, 5), st.integers(0, 1000))
def test_sets_are_all_voices_each_alone_and_some_at_random(voices: int, random: int, seed: int) -> None:
    sets = subsets(voices, random, torch_generator(seed))
    assert bool(sets[0].all()) and torch.equal(sets[1 : voices + 1], torch.eye(voices, dtype=torch.bool))
    sizes = sets[voices + 1 :].sum(1)
    assert len(sizes) == random and bool(((sizes > 1) & (sizes < voices)).all())


def test_random_sets_are_of_every_size_and_of_every_voice() -> None:
    # the thesis's code always removes one voice of four, and fails for three
    sets = subsets(4, 2000, torch_generator("n"))[5:]
    sizes = sets.sum(1)
    assert float((sizes == 2).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert {tuple(row) for row in sets.tolist()} == {
        row for row in product([False, True], repeat=4) if sum(row) in (2, 3)
    }
    assert subsets(1, 2, torch_generator("n")).tolist() == [[True]]
    assert len(subsets(2, 2, torch_generator("n"))) == 3


@pytest.mark.parametrize("alone", range(4))
def test_a_voice_that_is_alone_is_reconstructed(alone: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # the thesis's code blanks every target of such a term
    only = torch.eye(4, dtype=torch.bool)[alone : alone + 1]
    monkeypatch.setattr("descant.systems.rmvae.subsets", lambda voices, random, noise: only)
    built = system(**SILENT, **STILL, kl_weight=0)
    built({"parts": music()}, torch_generator("n")).loss.backward()
    for parts in (built.network.encoders, built.network.decoders):
        for voice, part in enumerate(parts):
            reached = any(one.grad is not None and bool(one.grad.any()) for one in part.parameters())
            assert reached == (voice == alone)


def test_noise_of_latents_has_their_own_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    # the thesis's code adds noise of exp(deviation), 1 at the least
    built, seen = by_hand(**SILENT, **STILL), []
    decode = built.network.decode

    def watched(latents: Tensor, noise: torch.Generator | None) -> Tensor:
        seen.append(latents)
        return decode(latents, noise)

    monkeypatch.setattr(built.network, "decode", watched)
    built.validate({"parts": music(batch=100)}, torch_generator("n"))
    assert float(seen[0].mean()) == pytest.approx(2, abs=0.1) and float(seen[0].std()) == pytest.approx(0.5, abs=0.03)


def test_the_weight_of_the_divergence_rises_linearly() -> None:
    assert [ramp(step, 1000, 0.01, 0.4) for step in (0, 10, 205, 400, 999)] == pytest.approx([0, 0, 0.5, 1, 1])
    assert ramp(0, 1000, 0, 0) == 1
    built = system(kl_weight=2.0)
    weights = []
    for _ in range(41):
        weights.append(built.kl_weight)
        built.finish_step({}, torch_generator("n"))
    assert weights[:2] == [0, 0] and weights[40] == 2 and weights == sorted(weights)
    assert weights[20] == pytest.approx(2 * 19 / 39)
    # a training that goes on knows where it was
    assert int(built.state_dict()["steps_done"]) == 41


@VERSIONS
def test_gradients_reach_every_weight(version: str) -> None:
    built = system(version=version, kl_from=0, kl_until=0)
    built({"parts": music(8)}, torch_generator("n")).loss.backward()
    assert not [name for name, one in built.named_parameters() if one.grad is None or not one.grad.any()]


def test_the_same_noise_gives_the_same_loss_whatever_was_drawn_elsewhere() -> None:
    built, losses = system(input_noise=0.3, dense_dropout=0.5), []
    for seed in (1, 2):
        torch.manual_seed(seed)
        losses.append(built({"parts": music()}, torch_generator("n")).loss.item())
    assert losses[0] == losses[1] != built({"parts": music()}, torch_generator("m")).loss.item()


@pytest.mark.parametrize(("version", "steps"), [("recurrent", 40), ("convolutional", 6)])
def test_it_learns_what_begins_and_comes_back_from_its_file(version: str, steps: int, tmp_path: Path) -> None:
    training = {"steps": steps, "batch": 4, "window": 32, "learning_rate": 0.004, "validate_every": steps // 2}
    settings = section(version=version, training=training, kl_weight=0.1, subsets=0)
    session = Session("rmvae", settings, tmp_path / "runs", 1, Devices())
    train_to_file(session, {"parts": pack_chorales(tmp_path)}, tmp_path / "model.safetensors", tmp_path / "metrics.csv")
    rows = [row for row in read_history(tmp_path / "metrics.csv") if row.split == "validation"]
    bounds = [row.value for row in rows if row.metric == "nll_bound"]
    assert bounds[-1] < bounds[0] and bounds[-1] < (1.2 if version == "recurrent" else 5)
    assert {"kl", "accuracy_changed", "accuracy_holding", "scale", "rhythm", "tritone"} <= {row.metric for row in rows}
    restored = restore(read_model(tmp_path / "model.safetensors"), BaseRMVAE)
    assert int(restored.steps_done) == steps


def test_a_training_that_goes_on_ends_as_one_that_never_stopped(tmp_path: Path) -> None:
    training = {"steps": 6, "batch": 2, "window": 32, "checkpoint_every": 3}
    settings, streams = section(training=training, dense_dropout=0.2), {"parts": pack_chorales(tmp_path)}
    whole = build_trainer(Session("rmvae", settings, tmp_path / "whole", 1, Devices()), streams).run()
    first = build_trainer(Session("rmvae", settings, tmp_path / "first", 1, Devices(), Stretch(3)), streams)
    first.run()
    (state,) = (first.folder / "checkpoints").glob("*.safetensors")
    then = Session("rmvae", settings, tmp_path / "then", 1, Devices(), Stretch(6, state))
    gone_on = build_trainer(then, streams).run()
    assert all(torch.equal(gone_on.weights[name], value) for name, value in whole.weights.items())
    assert int(gone_on.weights["steps_done"]) == 6
