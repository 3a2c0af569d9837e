"""Descant: hierarchical raw-audio music models as a declarative pipeline."""

__version__ = "0.1.0"
