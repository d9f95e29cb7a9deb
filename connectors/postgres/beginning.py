"""The text that begins a transaction: what it may do and how long, set for it alone. Pure."""


def beginning(
    statement_s: float, *, lock_s: float, tenant: str, writes: bool, free: bool, role: str | None
) -> str:
    """Return the statements that begin a transaction, in one text and so in one round trip.

    Args:
        statement_s: seconds that each statement may take.
        lock_s: seconds that it may wait for a lock.
        tenant: whose event it is; row-level security finds it as `current_setting('pointsman.tenant')`.
        writes: whether it may change anything; otherwise the server refuses that.
        free: whether the query is a model's. Its names are then looked up among the server's own and nowhere else, the
            tables being written with their schema.
        role: as which role, or None for the one that logged in.
    """
    statement_ms = max(1, round(statement_s * 1000))
    said = [
        f"BEGIN READ {'WRITE' if writes else 'ONLY'}",
        f"SET LOCAL statement_timeout = {statement_ms}",
        f"SET LOCAL lock_timeout = {min(statement_ms, max(1, round(lock_s * 1000)))}",
        f"SET LOCAL idle_in_transaction_session_timeout = {statement_ms + 5000}",
        f"SET LOCAL pointsman.tenant = {_literal(tenant)}",
    ]
    if free:
        said.append("SET LOCAL search_path = pg_catalog")
    if role is not None:
        said.append(f'SET LOCAL ROLE "{role}"')
    return "; ".join(said)


def _literal(text: str) -> str:
    """Return a text as a constant; a backslash in it is itself, by the connection's settings."""
    return "'" + text.replace("'", "''") + "'"
