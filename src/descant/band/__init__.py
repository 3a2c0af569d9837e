"""Playing together: a person plays one voice, and a network of music in voices the others, in time."""
