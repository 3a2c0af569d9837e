"""Drawing sequences: engines behind one interface, and the way down from codes to audio."""
