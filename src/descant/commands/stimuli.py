"""Make the clips of the listening test."""

from pathlib import Path
from typing import Annotated

import typer

from descant.audio.rendered import open_rendered
from descant.commands import cli, options
from descant.config.listening import Listening
from descant.corpus.outputs import whole_folder
from descant.errors import ListeningError
from descant.listening.files import write_json
from descant.listening.stimuli import Drawn, write_stimuli
from descant.recordings import open_recordings


def stimuli(
    settings: options.Settings,
    audio: Annotated[list[str], typer.Option(help="MODEL=FOLDER for every model, folders of audio that it drew")],
    recordings: Annotated[Path, typer.Option(help="folder of the packed waveform: held-out real music")],
    output: Annotated[Path, typer.Option(help="folder of clips to write, under names that reveal nothing")],
    manifest: Annotated[Path, typer.Option(help="JSON to write: what each clip is; not for raters")],
    seed: options.Seed = 1,
) -> None:
    """Write every model's samples, real music, anchors, controls and examples at one length, rate and loudness."""
    listening = cli.parse_settings(Listening, settings)
    drawn = []
    for given in audio:
        system, _, folder = given.partition("=")
        if not folder:
            raise ListeningError(f"--audio {given!r} names no folder", "give MODEL=FOLDER")
        drawn.append(Drawn(system, open_rendered(Path(folder))))
    with whole_folder(output) as temporary:
        written = write_stimuli(drawn, open_recordings(recordings), listening, seed, temporary)
    write_json(manifest, written)


if __name__ == "__main__":
    cli.run(stimuli)
