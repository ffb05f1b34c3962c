"""What can be wrong with a spool. Messages are for operators."""


class SpoolError(Exception):
    """Root of what a spool raises."""


class SpoolUnusableError(SpoolError):
    """The file cannot be opened, read or written: its folder, its disk, or another version's file."""


class SpoolVersionError(SpoolUnusableError):
    """The file was written by another version of Posto, or is no spool at all; it is left as it is."""


class SpoolDiskFullError(SpoolError):
    """The disk has no room; what was to be written is not there, all else is."""


class SpoolDamagedError(SpoolError):
    """The file's structure is broken somewhere; `salvage` saves what can be read."""
