"""Source separation: one stem of a recording, by spleeter or from files that a person brings."""
