"""Linear prediction of audio from its own past."""
