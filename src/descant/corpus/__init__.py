"""Whatever becomes tracks: rendered scores, a person's folder, separation, splits."""
