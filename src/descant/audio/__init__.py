"""Arrays and audio files: mu-law, mel, streaming reads. Pure functions, in pairs where there are pairs."""
