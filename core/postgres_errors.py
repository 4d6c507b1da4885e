"""What an error of PostgreSQL says, by its SQLSTATE."""

READ_ONLY_TRANSACTION = "25006"


def is_read_only(error: BaseException) -> bool:
    """Return whether the server takes no writes: a replica, a former primary, or one whose disk is nearly full.

    Django raises InternalError for it, as for a bug.
    """
    return getattr(error.__cause__, "sqlstate", None) == READ_ONLY_TRANSACTION
