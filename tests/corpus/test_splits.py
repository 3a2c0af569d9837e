import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_duplicates import noise_words

from descant.config.corpus import Splits
from descant.corpus.pack import deal_entries, group_entries
from descant.corpus.splits import deal
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


def entry(track: str, reason: str = "") -> Entry:
    return Entry(track, track, f"{track}.wav", 10.0, 16000, 1, USED, "", reason, "")


def test_copies_are_told_and_count_once() -> None:
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
    with pytest.raises(CorpusError, match=r"2 usable tracks \(besides 1 of the same recordings\)"):
        deal_entries(tuple(grouped[name] for name in "abc"), seconds, Splits(), 1)
