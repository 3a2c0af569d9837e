"""One shard of the corpus separated: the stems of all its tracks, each checked, and what was measured of them."""

import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from descant.audio.files import Block, probe, read_blocks, write_flac, write_wav
from descant.config.corpus import Separation
from descant.corpus.decode import track_file
from descant.corpus.outputs import whole_file
from descant.corpus.store import Store, link
from descant.corpus.table import Entry
from descant.separation.checks import Measures, Meter, verdict
from descant.separation.choose import library_versions, separator
from descant.separation.separator import CHANNELS, RATE, Separator, TrackError
from descant.separation.spleeter_weights import hash_weights

TYPES = {str: pa.string(), float: pa.float64(), float | None: pa.float64()}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StemRow:
    """What became of the stem of one track.

    Attributes:
        track: content-hash id.
        source: its name in the corpus, as it can be shown.
        separator: method, model, and what it ran on.
        stem: the one that is trained on.
        seconds: of the stem.
        removed_db: energy of the mix minus the stem, over the mix's.
        residual_db: energy of the mix minus all stems, over the mix's; None with one stem only.
        vocal_level_db: energy of the vocals, over the mix's; None where they are not known.
        bandwidth_hz: up to where the stem has energy.
        failure: why it is not trained on, or empty.
        remark: what people should know of one that is, or empty.
    """

    track: str
    source: str
    separator: str
    stem: str
    seconds: float | None
    removed_db: float | None
    residual_db: float | None
    vocal_level_db: float | None
    bandwidth_hz: float | None
    failure: str
    remark: str


STEMS = pa.schema([(field.name, TYPES[field.type]) for field in dataclasses.fields(StemRow)])  # type: ignore[index]


def separate_shard(
    settings: Separation,
    entries: Iterable[Entry],
    tracks: Path,
    folder: Path,
    weights: Path | None = None,
    interpreter: Path | None = None,
    threads: int = 1,
    store: Store | None = None,
) -> tuple[tuple[Entry, ...], tuple[StemRow, ...]]:
    """Separate the used tracks of a shard, with one separator for all of them.

    Args:
        settings: the configuration's section.
        entries: of the shard.
        tracks: folder of their audio.
        folder: existing; gets ``<id>.flac``, or ``<id>.wav`` for a stem beyond full scale, 44.1 kHz stereo.
        weights: folder of spleeter's models, unless the settings name one.
        interpreter: text file that names the Python of spleeter's environment; for TensorFlow.
        threads: of the CPU.
        store: of tracks that a network separated before; only what is not there is separated.

    Returns:
        All entries, those whose stem failed set aside; and a row for every stem, none with method 'none'.

    Raises:
        SeparationError: when the separator cannot be made or breaks down, whatever the track.
        AudioFileError: when a track is missing or a stem cannot be written.
    """
    entries = tuple(entries)
    used = [entry for entry in entries if entry.is_used]
    if settings.method == "none" or not used:
        for entry in used:
            track = track_file(tracks, entry.track)
            link(track, folder / track.name)
        return entries, ()
    rows: dict[str, StemRow] = {}
    if settings.method != "spleeter":
        # stems that a person made are only read
        store = None
    used_weights = Path(settings.weights) if settings.weights else weights
    made_by: dict[str, str] = {"stem": settings.stem}
    if store is not None and used_weights is not None:
        made_by |= {"weights": json.dumps(hash_weights(used_weights)), "libraries": library_versions(interpreter)}
    with contextlib.closing(separator(settings, weights, interpreter, threads)) as chosen:
        log.info("separation by %s", chosen.name)
        for entry in tqdm(used, unit="track", disable=None):
            begun = time.monotonic()
            made_of = {"track": entry.track, "separator": chosen.name, **made_by}
            if store is not None and (kept := store.find(made_of)):
                row = StemRow(**{**kept.facts, "source": entry.source})
                link(kept.audio, folder / kept.audio.name)
            else:
                row = _separate(chosen, settings.stem, entry, track_file(tracks, entry.track), folder)
                if store is not None and not row.failure:
                    store.keep(made_of, dataclasses.asdict(row), track_file(folder, entry.track))
            rows[entry.track] = row
            log.info("%s: %s", entry.source, row.failure or row.remark or f"{time.monotonic() - begun:.1f} s")
    return tuple(_after(entry, rows) for entry in entries), tuple(rows.values())


def _after(entry: Entry, rows: dict[str, StemRow]) -> Entry:
    if not entry.is_used:
        return entry
    row = rows[entry.track]
    if row.failure:
        return entry.set_aside(f"separation: {row.failure}")
    remarks = [entry.reason, f"separation: {row.remark}" if row.remark else ""]
    return dataclasses.replace(entry, reason="; ".join(filter(None, remarks)))


def _separate(chosen: Separator, stem: str, entry: Entry, track: Path, folder: Path) -> StemRow:
    meter = Meter(stem, chosen.bandwidth)

    def stems() -> Iterator[Block]:
        for separated in chosen.separate(track, entry.source):
            meter.add(separated)
            yield separated.stems[stem]

    temporary = folder / f".{entry.track}.tmp"
    measures: Measures | None = None
    remark = ""
    try:
        write_wav(temporary, stems(), RATE, CHANNELS)
        measures = meter.measures()
        failure, remark = verdict(measures, resampled_frames(track), chosen.has_all_stems)
        if not failure:
            _keep(temporary, folder / entry.track, measures.peak)
    except TrackError as error:
        failure = str(error)
    finally:
        temporary.unlink(missing_ok=True)
    return StemRow(
        track=entry.track,
        source=entry.source,
        separator=chosen.name,
        stem=stem,
        seconds=measures.frames / RATE if measures else None,
        removed_db=measures.removed_db if measures else None,
        residual_db=measures.residual_db if measures else None,
        vocal_level_db=measures.vocal_level_db if measures else None,
        bandwidth_hz=measures.bandwidth_hz if measures else None,
        failure=failure,
        remark=remark,
    )


def resampled_frames(track: Path) -> int:
    """How long a track is at 44.1 kHz, to the sample, by its own length and soxr's arithmetic."""
    facts = probe(track)
    return int((facts.frames or 0) / (facts.rate / RATE) + 0.5)


def _keep(stem: Path, target: Path, peak: float) -> None:
    """Keep a stem as FLAC, or as it is where FLAC would clip it."""
    if peak > 1:
        stem.replace(target.with_suffix(".wav"))
    else:
        write_flac(target.with_suffix(".flac"), read_blocks(stem), RATE, CHANNELS)


def write_stem_table(rows: Iterable[StemRow], path: Path) -> None:
    """Write rows as Parquet."""
    table = pa.Table.from_pylist([dataclasses.asdict(row) for row in rows], schema=STEMS)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary)
