"""What may stop the embedded system, each a sentence for the person at the terminal.

EmbeddedError
├── AlreadyRunningError   another process holds this folder
├── PortInUseError        the address visitors would use is taken
└── ServerFailedError     PostgreSQL or Redis did not start, or refused us
"""


class EmbeddedError(Exception):
    """Its text is all the person at the terminal needs; no traceback."""


class AlreadyRunningError(EmbeddedError):
    """Two systems in one folder would share its database."""


class PortInUseError(EmbeddedError):
    """Nothing was started."""


class ServerFailedError(EmbeddedError):
    """Carries the end of the server's log."""
