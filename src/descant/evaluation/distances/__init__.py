"""Distances between sets of excerpts: what is drawn, against real music that was not trained on."""
