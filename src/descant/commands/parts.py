"""Read pieces in parts, deal them to splits, and pack them as one sequence."""

import logging
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from descant.commands import cli, options
from descant.config.parts import Parts
from descant.corpus.parts import candidates
from descant.corpus.parts_dealing import PieceRow, arrange
from descant.corpus.splits import SPLITS
from descant.plan.windows import check_windows, parse_windows
from descant.results import write_rows
from descant.scores.forms import FORMS
from descant.scores.parts import STEPS_A_QUARTER
from descant.sequences import SequenceWriter

log = logging.getLogger(__name__)


def parts(
    settings: options.Settings,
    seed: options.Seed,
    output: Annotated[Path, typer.Option(help="folder of the packed sequence to write")],
    pieces: Annotated[Path, typer.Option(help="CSV table to write: every piece, its split, or why it is not used")],
    windows: Annotated[str, typer.Option(help="the windows that tracks must fill, as JSON text")] = "[]",
) -> None:
    """Pack all usable pieces, all voices a step and four steps a quarter; the others are counted with their reason."""
    section = cli.parse_settings(Parts, settings)
    read = list(tqdm(candidates(section), disable=None, unit="piece"))
    for reason, number in Counter(piece.reason for piece in read if piece.reason).most_common():
        log.info("%d not used: %s", number, reason)
    rows, tracks = arrange(read, section, seed)
    lengths = {split: [len(track.grid) for track in tracks if track.split == split] for split in SPLITS}
    check_windows(parse_windows(windows), lengths, STEPS_A_QUARTER, "quarter")
    form = FORMS[section.form]
    channels = form.channels(section.voices)
    with SequenceWriter(output, form.classes, 1, STEPS_A_QUARTER, channels=channels, unit="quarter") as writer:
        for track in tracks:
            writer.add(track.track, track.split, track.labels, [track.grid.reshape(-1, channels)])
    write_rows(pieces, PieceRow, rows)
    used = [row for row in rows if row.used]
    tunes = len({row.group or row.track for row in used})
    log.info("%d of %d pieces used, %d tunes; %d tracks with transposed ones", len(used), len(rows), tunes, len(tracks))
    for split in SPLITS:
        dealt = [row for row in used if row.split == split]
        log.info("%s: %d pieces, %d measures", split, len(dealt), sum(row.measures or 0 for row in dealt))


if __name__ == "__main__":
    cli.run(parts)
