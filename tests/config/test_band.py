"""Which network plays along with a person."""

from typing import Any

import pytest
from raw import complaint, raw_config

from descant.config.loading import parse


def playing(**band: Any) -> dict[str, Any]:
    raw = raw_config()
    networks = {"latents": {"kind": "autoregressive_parts", "latent": 8}, "thesis": {"kind": "rmvae"}}
    for name, network in networks.items():
        raw["part_models"][name] = {**network, "training": {"window": 48}}
    raw["part_models"]["voices"]["training"] = {"window": 48}
    raw["part_models"]["other"] = raw["part_models"]["voices"]
    rows = {name: {"kind": "parts", "title": name, "part_model": name} for name in raw["part_models"]}
    raw["models"] = {**raw["models"], **dict(sorted(rows.items()))}
    return {**raw, "band": band}


def test_the_row_that_plays_is_the_one_named_or_the_first_that_can() -> None:
    assert parse(playing()).band_row == "other"
    assert parse(playing(row="voices")).band_row == "voices"
    assert parse(playing(model="m.safetensors")).band_row is None
    assert parse(raw_config()).band_row is None


@pytest.mark.parametrize("row", ["latents", "thesis", "plain", "nothing"])
def test_rows_that_cannot_play_along_are_refused(row: str) -> None:
    assert f"band.row names {row!r}, which is not in rows of an autoregressive_parts" in complaint(playing(row=row))


def test_one_network_plays() -> None:
    assert "leave one of them out" in complaint(playing(row="voices", model="m.safetensors"))
