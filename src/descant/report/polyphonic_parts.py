"""The page of models of polyphonic parts: how well they predict and fill, and what they go on with."""

from descant.evaluation.parts_baselines import ALL, COMPOSE
from descant.evaluation.parts_scores import NEXT
from descant.evaluation.parts_table import PartsTable
from descant.formatting import level
from descant.report.blocks import Block, Section, Text
from descant.report.parts_tables import (
    distances_section,
    lines_on,
    music_section,
    named_drawings,
    table_of_lines,
)

LEAD = (
    "RMVAEs that learn parts in which notes sound together, as activation and duration (Vignal 2020), beside what "
    "counting alone knows. At most sixteenths a pitch does not begin, and to begin nothing is right nearly always: F1 "
    "counts notes alone, and has 0 for it."
)
OF_COMPOSING = (
    "Negative log-likelihood of the activations of test pieces: of all pitches of a voice at a sixteenth, and of the "
    "same a note; lower is better. Those of an RMVAE, marked with ≤, are an upper bound. The baseline knows how often "
    "each pitch of each voice begins, at any sixteenth or at each place of the measure."
)
OF_NEXT = (
    "Each measure is written with the notes whose activation is a half or more, from the true measures before it. F1 "
    "is of the notes that begin, at their step, voice and pitch; and by how many sixteenths the durations of those "
    "that agree are off. Beside the networks: to begin nothing, and to copy the last measure."
)
OF_FILLING = (
    "One part is written anew from the measures before of the others, its own past not given; nats are a bound "
    "likewise."
)
OF_DISTANCES = (
    "Wasserstein distances between histograms of what is drawn and of training pieces, mean over parts: pitch in "
    "semitones, durations in sixteenths, and how many notes begin at once. A network goes on from the first measures "
    "of test pieces with its likeliest notes. The test pieces' own distance is the floor; a network that writes no "
    "note has none."
)
OF_MUSIC = (
    "The thesis's losses, of the likeliest next measures and of the real ones: pitch classes that the true measure "
    "lacks (scale) and places at which nothing begins there (rhythm) cost 1 a voice and sixteenth, others earn 1; "
    "harmony counts pitch classes that begin together a semitone, a tone or a tritone apart. What begins no note has "
    "0 of all. KL is nats a measure: at 0 the latents say nothing."
)
RIGHT = {"note_f1": "F1 of notes", "duration_error": "Durations off, sixteenths"}
NATS = {"nats_per_token": "Nats a voice and sixteenth", "nats_per_changed_token": "Nats a note"}
REAL_PIECES = "Real"


def polyphonic_blocks(found: PartsTable) -> list[Block]:
    """A section for each question."""
    filled = list(dict.fromkeys(line.task for line in found.lines if line.task not in (COMPOSE, NEXT)))
    materials = list(dict.fromkeys(line.material for line in found.lines))
    asked = [
        ("Composing", OF_COMPOSING, [(COMPOSE, material) for material in materials], NATS),
        ("The next measure", OF_NEXT, [(NEXT, material) for material in materials], RIGHT),
        ("Filling a part", OF_FILLING, [(task, ALL) for task in filled], RIGHT | NATS),
    ]
    blocks: list[Block] = [Text(LEAD, "lead")]
    for heading, words, tables, columns in asked:
        made = [
            table_of_lines(f"{task[0].upper()}{task[1:]}, on: {material}.", lines, columns, "Notes")
            for task, material in tables
            if (lines := lines_on(found, task, material))
        ]
        blocks.append(Section(heading, [Text(words, "quiet small"), *made]))
    return [
        *blocks,
        distances_section(named_drawings(found.rows, REAL_PIECES), OF_DISTANCES),
        music_section(found.rows, OF_MUSIC, REAL_PIECES),
        Text(f"Intervals, in brackets under a figure, are of {level(found.confidence)}, over pieces.", "quiet small"),
    ]
