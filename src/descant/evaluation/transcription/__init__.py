"""Notes in audio: a transcriber, and what its notes show."""
