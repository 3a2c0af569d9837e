"""A crossed random-effects model of the ratings, by statsmodels: a second opinion beside the two-way intervals."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

# one dense matrix of ratings by (raters + clips): beyond, it takes more than some ten seconds (ours)
MOST_ELEMENTS = 2_000_000


@dataclass(frozen=True)
class MixedMean:
    """A system's mean under the model, with its standard error."""

    system: str
    mean: float
    error: float


@dataclass(frozen=True)
class MixedModel:
    """Rating = system + rater + clip + residual, fitted by restricted maximum likelihood.

    The effect is the clip's and not the item's: clips of one item in two systems need not share anything but a number.

    Attributes:
        scale: what was rated.
        converged: whether the optimiser says so; figures of a fit that did not converge are not given.
        remark: the warnings of the fit, or why there is no fit; empty when all is well.
        rater_sd: standard deviation of the raters' effects, in points; None without a fit.
        clip_sd: of the clips' effects.
        residual_sd: of what is left.
        means: of the systems.
    """

    scale: str
    converged: bool
    remark: str
    rater_sd: float | None
    clip_sd: float | None
    residual_sd: float | None
    means: tuple[MixedMean, ...]


def fit_mixed_model(table: pd.DataFrame, scale: str) -> MixedModel:
    """Fit the model to the ratings on one scale.

    Args:
        table: first ratings of scored kinds on this scale; columns system, stimulus, rater, value.
        scale: its name.
    """
    raters, clips, systems = (table[column].nunique() for column in ("rater", "stimulus", "system"))
    if raters < 2 or clips < 2 * systems or len(table) <= raters + clips:
        return _without(scale, "too few ratings to separate raters from clips")
    if len(table) * (raters + clips) > MOST_ELEMENTS:
        return _without(scale, "too many ratings for a dense matrix of all effects; two-way intervals do not need it")
    if np.ptp(table["value"]) == 0:
        return _without(scale, "all ratings are the same")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = smf.mixedlm(
                "value ~ 0 + C(system)",
                table.assign(whole=0),
                groups="whole",
                # the empty formula of groups would add an effect of the one group, which is the mean
                re_formula="0",
                vc_formula={"rater": "0 + C(rater)", "clip": "0 + C(stimulus)"},
            )
            # gradients end before the optimum where a variance is near 0; Powell's method needs none
            fitted = model.fit(reml=True, method="powell")
        except (np.linalg.LinAlgError, ValueError) as error:
            return _without(scale, f"not fitted: {error}")
    warned = "; ".join(dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught))
    if not fitted.converged:
        return _without(scale, warned or "the fit did not converge")
    sds = dict(zip(model.exog_vc.names, np.sqrt(fitted.vcomp), strict=True))
    # pandas sorts the categories, as C(system) does
    names = sorted(set(table["system"]))
    return MixedModel(
        scale=scale,
        converged=True,
        remark=warned,
        rater_sd=float(sds["rater"]),
        clip_sd=float(sds["clip"]),
        residual_sd=float(np.sqrt(fitted.scale)),
        means=tuple(
            MixedMean(system, float(mean), float(error))
            for system, mean, error in zip(names, fitted.fe_params, fitted.bse_fe, strict=True)
        ),
    )


def _without(scale: str, remark: str) -> MixedModel:
    return MixedModel(scale, False, remark, None, None, None, ())
