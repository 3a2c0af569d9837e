"""The native engine: C++ built on first use, the fastest on a CPU."""

from descant.sampling.native.engine import NativeEngine

__all__ = ["NativeEngine"]
