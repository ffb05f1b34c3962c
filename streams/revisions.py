"""How much an emission tells of a message: `Event.revision`, by its content alone.

The gateway tells one message several times, each time more of it or less. A higher revision adds to what a lower one
said; a lower one that comes later takes nothing away.
"""

from typing import Final

SHELL: Final = 0
"""That there is a message; its content comes with another emission, if ever."""
COMPLETE: Final = 1
"""All that was said. A file may still have to be fetched."""
MEDIA_FAILED: Final = 2
"""The same, and its file could not be fetched."""
MEDIA_READY: Final = 3
"""The same, and its file is in the object store."""
