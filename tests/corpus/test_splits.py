import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_duplicates import noise_words

from descant.config.corpus import Splits
from descant.corpus.pack import deal_entries, group_entries
from descant.corpus.splits import deal, far_in_words, in_words
from descant.corpus.table import USED, Entry
from descant.errors import CorpusError

TRACKS = st.dictionaries(
    st.text("0123456789abcdef", min_size=4, max_size=4), st.floats(0.1, 600), min_size=3, max_size=40
)


@given(TRACKS, st.integers(0, 9), st.integers(0, 2**63 - 1))
def test_a_group_is_dealt_as_one(seconds: dict[str, float], modulus: int, seed: int) -> None:
    names = sorted(seconds)
    groups = {name: names[n % modulus] for n, name in enumerate(names) if modulus and n % 3}
    groups = {name: min(other for other in groups if groups[other] == group) for name, group in groups.items()}
    recordings = {groups.get(name, name) for name in names}
    assume(len(recordings) >= 3)
    dealt = deal(seconds, Splits(), seed, groups)
    assert set(dealt) == set(seconds) and set(dealt.values()) == {"train", "validation", "test"}
    for recording in recordings:
        assert len({dealt[name] for name in names if groups.get(name, name) == recording}) == 1
    # a group is dealt as a track of its length would be
    whole = {name: sum(seconds[n] for n in names if groups.get(n, n) == name) for name in recordings}
    assert {name: dealt[name] for name in recordings} == deal(whole, Splits(), seed)


def share(seconds: dict[str, float], dealt: dict[str, str], split: str) -> float:
    """Of the audio."""
    return sum(length for name, length in seconds.items() if dealt[name] == split) / sum(seconds.values())


@given(st.data(), st.integers(0, 2**63 - 1), st.floats(0.02, 0.25), st.floats(0.02, 0.25))
def test_shares_are_as_near_as_recordings_allow_whatever_the_seed(
    data: st.DataObject, seed: int, validation: float, test: float
) -> None:
    lengths = data.draw(st.lists(st.floats(1, 60), min_size=12, max_size=60))
    seconds = {f"{n:04}": length for n, length in enumerate(lengths)}
    total, longest = sum(lengths), max(lengths)
    # else none of them could be held out, or only some
    assume(longest <= 2 * min(test, validation) * total and longest <= 0.25 * total)
    dealt = deal(seconds, Splits(validation=validation, test=test), seed)
    for split, wanted in (("test", test), ("validation", validation)):
        off = abs(share(seconds, dealt, split) - wanted) * total
        assert off <= max(longest / 2, wanted * total / 10) * (1 + 1e-9)


@given(st.integers(0, 2**63 - 1), st.floats(100, 10_000), st.integers(2, 12))
def test_most_of_the_music_is_trained_on_where_one_recording_is_most_of_it(
    seed: int, concert: float, rehearsals: int
) -> None:
    seconds = {"concert": concert, **{f"rehearsal{n}": 20.0 for n in range(rehearsals)}}
    dealt = deal(seconds, Splits(), seed)
    assert dealt["concert"] == "train"
    # what can be held out is held out evenly
    held_out = [list(dealt.values()).count(split) for split in ("test", "validation")]
    assert min(held_out) >= 1 and (concert < 1000 or abs(held_out[0] - held_out[1]) <= 1)


def even(count: int) -> Callable[[random.Random], Iterable[float]]:
    return lambda _: [30.0] * count


def uneven(count: int) -> Callable[[random.Random], Iterable[float]]:
    return lambda random: (random.lognormvariate(5, 0.6) for _ in range(count))


@pytest.mark.parametrize(
    ("lengths", "runs", "most"),
    [
        (even(10), 200, 0.25),
        (even(30), 200, 0.3),
        (uneven(30), 200, 0.4),
        (uneven(100), 200, 0.4),
        (uneven(1000), 50, 0.3),
    ],
    ids=["ten", "thirty", "thirty uneven ones", "a hundred", "a thousand"],
)
def test_one_more_recording_moves_hardly_any_other(
    lengths: Callable[[random.Random], Iterable[float]], runs: int, most: float
) -> None:
    moved = 0
    for seed in range(runs):
        generator = random.Random(seed)
        seconds = {f"{generator.getrandbits(64):016x}": length for length in lengths(generator)}
        before = deal(seconds, Splits(), seed)
        after = deal({**seconds, "one more": 30.0}, Splits(), seed)
        moved += sum(before[name] != after[name] for name in seconds)
    assert moved / runs <= most


@given(TRACKS, st.integers(0, 2**63 - 1))
def test_the_order_of_tracks_says_nothing(seconds: dict[str, float], seed: int) -> None:
    assert deal(seconds, Splits(), seed) == deal(dict(reversed(seconds.items())), Splits(), seed)


def test_what_each_split_holds_is_shown_with_its_minutes() -> None:
    seconds = {"train": [600.0], "validation": [20.0, 20.0], "test": [20.0, 20.0]}
    assert list(in_words(seconds, Splits())) == [
        "train: 1 track, 10.0 min, 88% of the music (80% asked for)",
        "validation: 2 tracks, 0.7 min, 6% of the music (10% asked for)",
        "test: 2 tracks, 0.7 min, 6% of the music (10% asked for)",
    ]
    (shown,) = far_in_words(seconds, Splits())
    assert "validation 0.7 instead of 1.1 min, test 0.7 instead of 1.1 min" in shown
    assert "the longest recording has 10.0 min" in shown
    assert not list(far_in_words({"train": [80.0], "validation": [10.0], "test": [10.0]}, Splits()))


def entry(track: str, reason: str = "") -> Entry:
    return Entry(track, track, f"{track}.wav", 10.0, 16000, 1, USED, "", reason, "")


def test_copies_are_reported_and_count_once() -> None:
    entries = tuple(entry(name, "truncated" if name == "c" else "") for name in "abcdef")
    song = noise_words(1, 300)
    words = {name: noise_words(ord(name), 300) for name in "adef"} | {"b": song, "c": song[20:], "x": song}
    grouped = {one.track: one for one in group_entries(entries, words)}
    assert [grouped[name].group for name in "abcdef"] == ["", "b", "b", "", "", ""]
    assert grouped["b"].reason == ""
    assert grouped["c"].reason == "truncated; the same recording as b.wav, and in one split with it"
    seconds = dict.fromkeys("abcdef", 10.0)
    for seed in range(20):
        dealt = {one.track: one.split for one in deal_entries(tuple(grouped.values()), seconds, Splits(), seed)}
        assert dealt["b"] == dealt["c"] and set(dealt.values()) == {"train", "validation", "test"}
    with pytest.raises(CorpusError, match=r"2 usable tracks \(besides 1 of the same recordings or pieces\)"):
        deal_entries(tuple(grouped[name] for name in "abc"), seconds, Splits(), 1)
