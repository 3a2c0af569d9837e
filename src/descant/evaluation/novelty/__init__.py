"""Whether what a model draws is copied from the music that it was trained on."""
