"""The sandbox as a service: HTTP on the outside, SQLite within, a ledger row for every effect."""
