"""``training:`` how long, how fast, how exactly. Given once for all and overridden by each network."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from descant.config.base import Section

Share = Annotated[float, Field(ge=0, lt=1)]


class Schedule(Section):
    """Learning rate over steps: linear warm-up, a plateau, then a decay, or halving every so many steps."""

    warmup_steps: int = Field(0, ge=0, description="steps of linear warm-up from 0")
    decay: Literal["none", "linear", "cosine"] = Field("none", description="shape of the decay")
    decay_from: float = Field(0.0, ge=0, le=1, description="share of the steps after which the decay starts")
    final_fraction: float = Field(0.0, ge=0, le=1, description="rate at the last step, as a share; 0 anneals to 0")
    halve_every: int | None = Field(
        None, ge=1, le=10**9, description="in place of a decay: from its start on the rate halves every so many steps"
    )

    @model_validator(mode="after")
    def _falls_in_one_way(self) -> Self:
        if self.halve_every is not None and self.decay != "none":
            raise ValueError(f"halve_every is {self.halve_every} but decay is {self.decay!r}; set decay to none")
        return self


class Training(Section):
    """One training run. AdamW (Loshchilov & Hutter 2019); all defaults are ours."""

    start_from: Path | None = Field(
        None, description="a model.safetensors whose weights it begins from (fine-tuning); empty = fresh weights"
    )
    steps: int = Field(ge=0, le=10**9, description="how many optimizer steps; 0 leaves the weights as they begin")
    batch: int = Field(ge=1, le=10**6, description="windows in one batch")
    window: int = Field(ge=2, le=2**30, description="steps of the sequence in a window")
    learning_rate: float = Field(1e-3, gt=0, description="peak learning rate")
    schedule: Schedule = Field(default_factory=Schedule)
    betas: tuple[Share, Share] = Field(
        (0.9, 0.999), description="Adam's decay rates of the mean and of the squared gradient"
    )
    weight_decay: float = Field(0.0, ge=0, description="AdamW's decoupled weight decay")
    clip_norm: float = Field(1.0, gt=0, description="gradients are scaled down to this norm")
    accumulate: int = Field(
        1, ge=1, le=10**6, description="batches averaged in one step, and dealt to its GPUs where there are several"
    )
    average_decay: float = Field(
        0.0, ge=0, lt=1, description="decay of the weights' moving average, which is evaluated and kept; 0 = off"
    )
    precision: Literal["32-true", "bf16-mixed", "auto"] = Field(
        "32-true",
        description="Lightning Fabric's precision; bf16-mixed gains where the device has bf16 arithmetic, and 'auto' "
        "takes it there: the same configuration then gives other bytes on another machine",
    )
    compile: bool | Literal["auto"] = Field(
        False,
        description="train through torch.compile, which needs a C++ compiler on a CPU; 'auto': where one is found, and "
        "a WaveNet or an ADA trains long enough for it to pay",
    )
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints")
    keep: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (),
        description="of a prior of Jukebox's kind: steps, rising, whose weights rows draw from by their `prior_step`. "
        "The training pauses at each, so that its music is there while the rest is trained; other steps train anew",
    )
    keep_checkpoints: int = Field(2, ge=2, description="checkpoints kept; the newest may be torn, so two at least")
    log_every: int = Field(20, ge=1, description="steps between rows of training metrics")
    validate_every: int = Field(200, ge=1, description="steps between validations")
    validation_batches: int = Field(4, ge=1, description="batches a validation, the same ones each time")

    @model_validator(mode="after")
    def _warm_up_ends(self) -> Self:
        if self.steps and self.schedule.warmup_steps >= self.steps:
            raise ValueError(
                f"schedule.warmup_steps is {self.schedule.warmup_steps} but steps is {self.steps}: "
                "the warm-up would never end; make it smaller"
            )
        if self.keep and (list(self.keep) != sorted(set(self.keep)) or self.keep[-1] >= self.steps):
            raise ValueError(
                f"keep is {', '.join(map(str, self.keep))}; name each step once, rising, below steps, which is "
                f"{self.steps}: the last one is kept by itself"
            )
        return self
