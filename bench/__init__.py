"""Benchmarks: figures that are measured here and now, on a stack of their own."""
