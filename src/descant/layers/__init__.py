"""Modules that know no task: WaveNet stack, encoder, modulator, bottlenecks."""
