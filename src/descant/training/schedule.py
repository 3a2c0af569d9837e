"""The learning rate as a pure function of the step."""

import math

from descant.config.training import Schedule


def rate_fraction(schedule: Schedule, step: int, steps: int) -> float:
    """Share of the peak learning rate at a step.

    Args:
        schedule: warm-up and decay.
        step: 0 … steps - 1.
        steps: of the whole training.

    Returns:
        Rises linearly over the warm-up (never 0 itself), stays 1, and reaches ``final_fraction`` at the last step; or,
        with ``halve_every``, halves after every so many steps of what follows.
    """
    if step < schedule.warmup_steps:
        return (step + 1) / (schedule.warmup_steps + 1)
    start = max(schedule.warmup_steps, round(schedule.decay_from * steps))
    if schedule.halve_every is not None:
        return 0.5 ** (max(0, step - start) // schedule.halve_every)
    if schedule.decay == "none" or step <= start or steps - 1 <= start:
        return 1.0
    progress = (step - start) / (steps - 1 - start)
    falling = 1 - progress if schedule.decay == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return schedule.final_fraction + (1 - schedule.final_fraction) * falling
