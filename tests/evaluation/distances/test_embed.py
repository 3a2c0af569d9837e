"""Embedding sets: what was embedded before is not embedded again, and changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from descant.errors import ResultError
from descant.evaluation.distances import embed as module
from descant.evaluation.distances.embed import Cache, embed_set, hash_audio, read_set, write_set
from descant.evaluation.distances.kinds import LOGMEL, why_absent
from descant.evaluation.distances.logmel import LogMel
from descant.evaluation.material import Excerpt

RATE = 16000


def excerpts(number: int, first: int = 0) -> list[Excerpt]:
    return [
        Excerpt(str(n // 2), float(n % 2), np.random.default_rng(n).uniform(-0.5, 0.5, 4000).astype(np.float32))
        for n in range(first, first + number)
    ]


def read_cache(path: Path) -> Cache:
    cache = Cache(path)
    cache.read()
    return cache


def test_a_second_run_computes_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    cache = tmp_path / "cache.parquet"
    for name, expected in (("first", 6), ("second", 0)):
        table, computed = embed_set(excerpts(6), {LOGMEL: LogMel()}, RATE, read_cache(cache))
        write_set(table, tmp_path / name)
        assert computed == expected
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_only_new_audio_is_computed_and_the_cache_does_not_grow(tmp_path: Path) -> None:
    cache = tmp_path / "cache.parquet"
    embed_set(excerpts(6), {LOGMEL: LogMel()}, RATE, read_cache(cache))
    _, computed = embed_set(excerpts(6, first=2), {LOGMEL: LogMel()}, RATE, read_cache(cache))
    assert computed == 2 and len(read_cache(cache).vectors) == 6


def test_another_version_is_computed_again(tmp_path: Path) -> None:
    class Other(LogMel):
        version = "another"

    cache = tmp_path / "cache.parquet"
    embed_set(excerpts(2), {LOGMEL: LogMel()}, RATE, read_cache(cache))
    assert embed_set(excerpts(2), {LOGMEL: Other()}, RATE, read_cache(cache))[1] == 2


def test_a_killed_run_goes_on_where_the_cache_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed() -> Iterator[Excerpt]:
        yield from excerpts(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "SAVE_EVERY", 2)
    cache = tmp_path / "cache.parquet"
    with pytest.raises(KeyboardInterrupt):
        embed_set(killed(), {LOGMEL: LogMel()}, RATE, read_cache(cache))
    assert embed_set(excerpts(6), {LOGMEL: LogMel()}, RATE, read_cache(cache))[1] == 2


def test_a_torn_cache_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "cache.parquet").write_bytes(b"PAR1 torn")
    assert embed_set(excerpts(2), {LOGMEL: LogMel()}, RATE, read_cache(tmp_path / "cache.parquet"))[1] == 2


def test_the_key_is_the_audio_and_its_rate() -> None:
    audio = excerpts(1)[0].audio
    other = audio.copy()
    other[-1] += np.float32(1e-4)
    assert len({hash_audio(audio, RATE), hash_audio(other, RATE), hash_audio(audio, 8000)}) == 3


def test_a_set_is_read_back_with_its_groups_side_by_side(tmp_path: Path) -> None:
    given = excerpts(6)
    table, _ = embed_set([given[5], *given[:5]], {LOGMEL: LogMel()}, RATE, Cache(tmp_path / "cache"))
    write_set(table, tmp_path / "set.parquet")
    found = read_set(tmp_path / "set.parquet", LOGMEL)
    assert found.groups == ["0", "0", "1", "1", "2", "2"] and list(found.starts) == [0.0, 1.0] * 3
    assert list(found.offsets) == [0, 2, 4]
    np.testing.assert_array_equal(found.values[5], LogMel().embed(given[5].audio, RATE).astype(np.float64))


def test_a_set_without_excerpts_is_empty_and_a_missing_one_is_reported(tmp_path: Path) -> None:
    table, computed = embed_set([], {}, RATE, Cache(tmp_path / "cache"))
    write_set(table, tmp_path / "set.parquet")
    assert computed == 0 and read_set(tmp_path / "set.parquet", LOGMEL).values.shape == (0, LOGMEL.dimensions)
    with pytest.raises(ResultError, match="run snakemake again"):
        read_set(tmp_path / "none.parquet", LOGMEL)


def test_what_is_too_short_is_reported() -> None:
    assert why_absent(LOGMEL, 0.1) == ""
    assert "needs excerpts of 0.1 s, these are of 0.05 s" in why_absent(LOGMEL, 0.05)
