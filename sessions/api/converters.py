"""Parts of addresses."""

from sessions.cleaning import ID_PATTERN


class IdConverter:
    """A session's or message's id; anything else is no address of ours."""

    regex = ID_PATTERN

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
