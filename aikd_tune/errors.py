"""Errors that a user can cause: each prints as one line (what, where, what is allowed)."""


class UserError(ValueError):
    """Root of every error that the user can mend; the command line prints it without a traceback."""

    exit_code = 1


class StudyFileError(UserError):
    """A study file that cannot be used; ``lines`` holds one ``file:line: path: rule`` per problem."""

    exit_code = 2

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class UsageError(UserError):
    """A command that cannot be started as it was typed; nothing was started or written."""

    exit_code = 2


class DataError(UserError):
    """Images or labels that cannot be used: the message names the file and the rule."""

    exit_code = 2


class ClusterError(UserError):
    """A Ray cluster that cannot be reached or is too small for one trial; no trial was started."""


class StudyFolderError(UserError):
    """A results folder that is missing, held by another run, or not what it should be."""
