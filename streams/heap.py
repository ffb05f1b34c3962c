"""The heap of a process that has started: what stays in it is spared the garbage collector's rounds."""

import gc


def settle(young_objects: int) -> None:
    """Set aside what was made so far, and look through new objects once there are so many (Python's own: 700)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(young_objects)
