"""Ports of MIDI: what is sent can be heard, and what is missing has a cure."""

import subprocess
import sys

import mido
import pytest
from mido.ports import EchoPort

from descant.band.loop import Key
from descant.band.midi import MidiPorts, choose
from descant.band.session import Click, Release, Strike
from descant.errors import BandError


def test_what_is_sent_is_heard() -> None:
    ports = MidiPorts(EchoPort(), EchoPort())
    back = MidiPorts(ports.output, ports.input)
    for event in (Strike(0.0, 1, 60), Release(0.0, 1, 60), Click(0.0, True)):
        ports.send(event)
    assert list(back.receive()) == [Key(60, True), Key(60, False), Key(76, True), Key(76, False)]
    ports.output.send(mido.Message("note_on", note=61, velocity=0))
    ports.output.send(mido.Message("pitchwheel"))
    assert list(back.receive()) == [Key(61, False)]


def test_panic_ends_the_notes_of_every_channel() -> None:
    ports = MidiPorts(EchoPort(), EchoPort())
    ports.panic()
    sent = {(message.channel, message.control) for message in ports.output.iter_pending()}
    assert sent == {(channel, control) for channel in range(16) for control in (120, 123)}


def test_a_port_is_chosen_by_a_part_of_its_name_that_no_other_has() -> None:
    names = ["Midi Through 14:0", "Keyboard 20:0", "Keyboard 20:0 b"]
    assert choose(names, "through", "input") == "Midi Through 14:0"
    assert choose(names, "Keyboard 20:0", "input") == "Keyboard 20:0"
    for wanted, said in (("board", "2 input ports have 'board'"), ("organ", "0 input ports")):
        with pytest.raises(BandError, match=said) as refused:
            choose(names, wanted, "input")
        assert "'Keyboard 20:0'" in refused.value.cure


@pytest.mark.parametrize("named", [[], ["--input", "no such port", "--output", "none"]])
def test_the_program_says_what_is_missing(named: list[str]) -> None:
    program = [sys.executable, "-m", "descant.commands.band", "--model", "none.safetensors"]
    done = subprocess.run([*program, *named], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "error:" in done.stderr and "cure:" in done.stderr and "Traceback" not in done.stderr
