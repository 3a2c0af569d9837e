"""MIDI ports of this machine, by mido on RtMidi."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import mido

from descant.band.loop import Key
from descant.band.session import Click, Release, Strike
from descant.errors import BandError

BACKEND = "mido.backends.rtmidi"
# General MIDI: the channel of percussion, a wood block high and low; church organ
PERCUSSION, HIGH, LOW, ORGAN = 9, 76, 77, 19
VELOCITY = 80
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123


def load_backend() -> Any:
    """RtMidi as mido knows it.

    Raises:
        BandError: when it is not installed, or this machine has no MIDI.
    """
    backend = mido.Backend(BACKEND)
    try:
        backend.load()
    except ImportError as error:
        raise BandError(
            f"python-rtmidi cannot be imported: {error}",
            "install it: there are wheels for Python 3.11 and 3.12, later ones build it with ALSA's headers (Debian: "
            "libasound2-dev); or play on the page, snakemake band",
        ) from None
    return backend


def port_names(backend: Any) -> tuple[list[str], list[str]]:
    """The names of inputs and of outputs.

    Raises:
        BandError: when this machine has no MIDI.
    """
    try:
        return list(backend.get_input_names()), list(backend.get_output_names())
    except OSError as error:
        # RtMidi's errors are such
        raise BandError(
            f"this machine has no MIDI: {error}",
            "on Linux load ALSA's sequencer, `modprobe snd-seq`, which a container lacks; or play on the page, "
            "snakemake band",
        ) from error


def choose(names: list[str], wanted: str, kind: str) -> str:
    """The one port whose name holds a text.

    Raises:
        BandError: when none does, or several.
    """
    found = [name for name in names if wanted.lower() in name.lower()]
    if wanted in names:
        return wanted
    if len(found) == 1:
        return found[0]
    listed = ", ".join(map(repr, names)) or "none"
    raise BandError(f"{len(found)} {kind} ports have {wanted!r} in their names", f"name one of them: {listed}")


class MonotonicClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds."""
        return time.monotonic()

    def wait(self, until: float) -> None:
        """Sleep."""
        time.sleep(max(0.0, until - time.monotonic()))


@dataclass(frozen=True)
class MidiPorts:
    """An input and an output of mido: voices are on channels 1 to 4, beats on that of percussion."""

    input: Any
    output: Any

    def receive(self) -> Iterator[Key]:
        """Keys of all channels; a note of velocity 0 ends, as MIDI has it."""
        for message in self.input.iter_pending():
            if message.type in ("note_on", "note_off"):
                yield Key(message.note, message.type == "note_on" and message.velocity > 0)

    def send(self, event: Click | Strike | Release) -> None:
        """Send an event."""
        for message in messages(event):
            self.output.send(message)

    def panic(self) -> None:
        """End all notes of every channel."""
        for channel in range(16):
            for control in (ALL_NOTES_OFF, ALL_SOUND_OFF):
                self.output.send(mido.Message("control_change", channel=channel, control=control, value=0))


def messages(event: Click | Strike | Release) -> Iterable[mido.Message]:
    """An event as MIDI messages; a click ends by itself."""
    if isinstance(event, Click):
        note = HIGH if event.first else LOW
        on = mido.Message("note_on", channel=PERCUSSION, note=note, velocity=VELOCITY)
        return on, mido.Message("note_off", channel=PERCUSSION, note=note)
    if isinstance(event, Strike):
        return (mido.Message("note_on", channel=event.voice, note=event.pitch, velocity=VELOCITY),)
    return (mido.Message("note_off", channel=event.voice, note=event.pitch),)


@contextmanager
def open_ports(input_name: str, output_name: str) -> Iterator[MidiPorts]:
    """Open an input and an output by a part of their names, with an organ on the voices' channels.

    Raises:
        BandError: when one cannot be opened, its name says too little, or it fails while it is used.
    """
    backend = load_backend()
    inputs, outputs = port_names(backend)
    names = choose(inputs, input_name, "input"), choose(outputs, output_name, "output")
    with ExitStack() as stack:
        try:
            ports = MidiPorts(
                stack.enter_context(backend.open_input(names[0])), stack.enter_context(backend.open_output(names[1]))
            )
        except OSError as error:
            raise BandError(
                f"{names[0]!r} or {names[1]!r} cannot be opened: {error}", "close the program that uses it"
            ) from error
        for channel in range(4):
            ports.output.send(mido.Message("program_change", channel=channel, program=ORGAN))
        try:
            yield ports
        except OSError as error:
            raise BandError(f"a MIDI port failed: {error}", "plug it in again, and start anew") from error
