"""Scores: notes in and out of files, and a SoundFont to hear them by."""

# The files that mido reads, and those that music21 does
MIDI_SUFFIXES = frozenset({".kar", ".mid", ".midi", ".rmi", ".smf"})
NOTATION_SUFFIXES = frozenset({".abc", ".krn", ".musicxml", ".mxl", ".xml"})
