"""The base of every error that Surgewire raises for its user: one line, one exit code."""


class SurgewireError(Exception):
    """What was asked could not be done; the message is one line that says why and what helps."""

    exit_code = 1


class UsageError(SurgewireError):
    """What was asked makes no sense or names something that is not there."""

    exit_code = 2
