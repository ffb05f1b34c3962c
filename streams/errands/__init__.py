"""Errands: work that is due at a time, tried a bounded number of times, and survives restarts."""
