"""The clips of a listening test: the same items from every system, real music, anchors, controls, examples."""

import hashlib
import io
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from tqdm import tqdm

from descant.audio.clips import flac_bytes
from descant.audio.rendered import Rendered
from descant.config.listening import DEFINES_TEST, Listening
from descant.errors import ListeningError
from descant.listening import anchors
from descant.listening.files import REAL, SCALES, Kind, Manifest, Stimulus
from descant.listening.loudness import match, measure, true_peak
from descant.recordings import read_recording
from descant.seeds import derive_seed
from descant.sequences import PackedSequence

Audio = npt.NDArray[np.float64]

# raised when the same settings and clips give other stimuli or other lists: the test is another one then
DESIGN_VERSION = 1
# LU; the log names an item that is lowered by more for its peaks
WARN_BELOW = 6.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clip:
    """A clip before it has its level and its name.

    Attributes:
        kind: its part in the test.
        system: where it comes from.
        item: that it belongs to, or None.
        audio: ``(time,)``; full scale is 1.
        expected: of a control, by scale.
        label: of a training example, by scale.
    """

    kind: Kind
    system: str
    item: int | None
    audio: Audio
    expected: dict[str, tuple[int, int]] | None = None
    label: dict[str, int] | None = None


@dataclass(frozen=True)
class Drawn:
    """What a model drew.

    Attributes:
        system: the model's name.
        rendered: its samples.
    """

    system: str
    rendered: Rendered

    def clip(self, item: int, sample_rate: int) -> Audio:
        """Sample number ``item`` without what it was primed with, ``(time,)``, at the test's rate.

        Raises:
            SamplingError: when the file is missing or torn.
        """
        audio, rate = self.rendered.read(item).astype(np.float64), self.rendered.sample_rate
        return audio if rate == sample_rate else np.asarray(soxr.resample(audio, rate, sample_rate))


def excerpts(recordings: PackedSequence, split: str, count: int, length: int) -> list[Audio]:
    """Excerpts of held-out tracks, spread evenly over the tracks and over each of them.

    Where the music is too short for as many, they overlap.

    Args:
        recordings: of the corpus.
        split: that they are from.
        count: how many.
        length: of each, samples.

    Raises:
        ListeningError: when no track of the split is as long.
    """
    tracks = [track for track in recordings.tracks(split) if track.length >= length]
    if not tracks:
        raise ListeningError(
            f"no {split} track is {length / recordings.sample_rate:g} s long, as the clips of the listening test are",
            "set listening.seconds to less, or give the corpus longer tracks",
        )
    each = -(-count // len(tracks))
    if sum(track.length // length for track in tracks) < count:
        log.warning("the %s tracks are too short for %d excerpts apart: some overlap", split, count)
    taken = []
    for number in range(count):
        track, place = tracks[number % len(tracks)], number // len(tracks)
        start = round((track.length - length) * (place + 0.5) / each)
        taken.append(read_recording(recordings, track, start, start + length).astype(np.float64))
    return taken


def clip_length(drawn: Sequence[Drawn], settings: Listening, sample_rate: int) -> int:
    """Samples of every clip: what was asked for, or what was drawn.

    Raises:
        ListeningError: when less was drawn than is asked for.
    """
    shortest = min(model.rendered.shortest * sample_rate // model.rendered.sample_rate for model in drawn)
    length = shortest if settings.seconds is None else round(settings.seconds * sample_rate)
    if not 0 < length <= shortest:
        raise ListeningError(
            f"listening.seconds asks for {length / sample_rate:g} s but {shortest / sample_rate:g} s were drawn",
            "set listening.seconds to less; or sampling.seconds, for vocoders evaluation.reconstruction.seconds, for "
            "parts evaluation.parts.measures, up",
        )
    return length


def item_count(drawn: Sequence[Drawn], settings: Listening) -> int:
    """How many items every system has.

    Raises:
        ListeningError: when fewer were drawn than are asked for.
    """
    fewest = min(len(model.rendered.samples) for model in drawn)
    if not fewest or (settings.items or 0) > fewest:
        raise ListeningError(
            f"listening.items asks for {settings.items} samples but some model has {fewest}",
            "set listening.items to less; or sampling.count, for vocoders evaluation.reconstruction.excerpts, for "
            "parts evaluation.parts.pieces, up",
        )
    return settings.items or fewest


def groups(
    drawn: Sequence[Drawn], music: PackedSequence, settings: Listening, items: int, length: int, seed: int
) -> Iterator[list[Clip]]:
    """Clips that get one level: those of an item, and each that stands alone.

    Real music and the anchors made of it are from the test split; controls and examples from the validation split, so
    that nobody has heard a clip of the test before.

    Args:
        drawn: of every model.
        music: the recordings of the corpus.
        settings: the section of the configuration.
        items: how many.
        length: of every clip, samples.
        seed: root seed.

    Yields:
        An item at a time, then the others; not faded or levelled yet.
    """
    rate = music.sample_rate
    for item, excerpt in enumerate(excerpts(music, "test", items, length)):
        yield [
            *(Clip("system", model.system, item, model.clip(item, rate)[:length]) for model in drawn),
            Clip("real", REAL, item, excerpt),
            Clip("anchor", "anchor_fidelity", item, _degraded(excerpt, rate, settings, seed, item)),
            Clip("anchor", "anchor_musicality", item, _shuffled(excerpt, rate, settings, seed, item)),
        ]
    known, good, dull, odd = excerpts(music, "validation", 4, length)
    noise = anchors.white_noise(length, derive_seed(seed, "listening", "control noise"))
    scales = SCALES["mos"]
    yield [Clip("control", "control_noise", None, noise, expected=dict.fromkeys(scales, settings.controls.noise))]
    yield [Clip("control", "control_real", None, known, expected=dict.fromkeys(scales, settings.controls.real))]
    yield [Clip("training", "training_good", None, good, label=dict.fromkeys(scales, 5))]
    spoilt = _degraded(dull, rate, settings, seed, "training")
    yield [Clip("training", "training_fidelity", None, spoilt, label={"fidelity": 1})]
    mixed = _shuffled(odd, rate, settings, seed, "training")
    yield [Clip("training", "training_musicality", None, mixed, label={"musicality": 1})]


def _degraded(audio: Audio, rate: int, settings: Listening, seed: int, place: int | str) -> Audio:
    given = settings.anchors
    noise = derive_seed(seed, "listening", "noise", place)
    return anchors.degraded(audio, rate, given.lowpass_hz, given.noise_db, noise)


def _shuffled(audio: Audio, rate: int, settings: Listening, seed: int, place: int | str) -> Audio:
    return anchors.shuffled(
        audio, rate, settings.anchors.block_seconds, derive_seed(seed, "listening", "blocks", place)
    )


def write_stimuli(
    drawn: Sequence[Drawn], music: PackedSequence, settings: Listening, seed: int, folder: Path
) -> Manifest:
    """Write every clip of the test under an opaque name; an item at a time is in memory.

    Args:
        drawn: of every model of the test.
        music: the recordings of the corpus.
        settings: the section of the configuration.
        seed: root seed.
        folder: that exists.

    Returns:
        The manifest; what it says of a clip was measured from its file.

    Raises:
        ListeningError: when the samples or the held-out music do not suffice.
        SamplingError: when a sample cannot be read.
    """
    rate = music.sample_rate
    items, length = item_count(drawn, settings), clip_length(drawn, settings, rate)
    stimuli: list[Stimulus] = []
    seen: dict[str, int] = {}
    every = groups(drawn, music, settings, items, length, seed)
    for group in tqdm(every, desc="stimuli", unit="item", total=items + 5):
        shaped = [anchors.faded(anchors.without_rumble(clip.audio, rate), rate, settings.fade_ms) for clip in group]
        written = []
        for clip, audio in zip(group, match(shaped, rate, settings.lufs, settings.ceiling_dbtp), strict=True):
            content = flac_bytes(audio, rate)
            digest = hashlib.sha256(content).hexdigest()
            seen[digest] = seen.get(digest, 0) + 1
            name = opaque_name(digest, seen[digest], seed)
            (folder / f"{name}.flac").write_bytes(content)
            written.append(_stimulus(clip, name, digest, content, rate))
        _log_levels(written, settings)
        stimuli += written
    # the files' order reveals nothing
    stimuli.sort(key=lambda stimulus: stimulus.name)
    return Manifest(
        design=_design(stimuli, settings, seed),
        seconds=length / rate,
        sample_rate=rate,
        scales=SCALES[settings.type],
        stimuli=tuple(stimuli),
    )


def opaque_name(digest: str, occurrence: int, seed: int) -> str:
    """A name that says nothing but that it is a clip: 16 hex digits of a hash with the seed as its key.

    Args:
        digest: sha256 of the file.
        occurrence: 1, or more for a clip that an earlier one is equal to.
        seed: root seed.
    """
    key = derive_seed(seed, "listening", "names").to_bytes(8, "little")
    return hashlib.blake2b(f"{digest} {occurrence}".encode(), key=key, digest_size=8).hexdigest()


def _stimulus(clip: Clip, name: str, digest: str, content: bytes, rate: int) -> Stimulus:
    heard, _ = soundfile.read(io.BytesIO(content), dtype="float64")
    loudness, peak = measure(heard, rate), true_peak(heard)
    return Stimulus(
        name=name,
        kind=clip.kind,
        system=clip.system,
        item=clip.item,
        file=f"{name}.flac",
        sha256=digest,
        lufs=None if loudness.lufs is None else round(loudness.lufs, 3),
        loudness=loudness.measured,
        true_peak_dbtp=None if peak is None else round(peak, 3),
        expected=clip.expected,
        label=clip.label,
    )


def _log_levels(written: Sequence[Stimulus], settings: Listening) -> None:
    """Log what a person who plans a test must know of an item's levels."""
    for stimulus in written:
        where = stimulus.system if stimulus.item is None else f"item {stimulus.item} of {stimulus.system}"
        if stimulus.loudness == "silent":
            log.warning("%s is silent: its level cannot be matched", where)
    audible = [stimulus for stimulus in written if stimulus.lufs is not None]
    loudest = max((stimulus.lufs for stimulus in audible if stimulus.lufs is not None), default=settings.lufs)
    if settings.lufs - loudest > WARN_BELOW:
        sharp = max(audible, key=lambda stimulus: stimulus.true_peak_dbtp or 0.0)
        log.warning(
            "item %s is at %.1f LUFS, to keep the peaks of %s under the ceiling", sharp.item, loudest, sharp.system
        )


def _design(stimuli: Sequence[Stimulus], settings: Listening, seed: int) -> str:
    """Hash of everything that defines the test; the lists are a function of it."""
    defines = {
        "version": DESIGN_VERSION,
        "seed": seed,
        "settings": settings.model_dump(mode="json", include=set(DEFINES_TEST)),
        "stimuli": [stimulus.model_dump(mode="json") for stimulus in stimuli],
    }
    return hashlib.sha256(json.dumps(defines, sort_keys=True).encode()).hexdigest()
