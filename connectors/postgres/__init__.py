"""PostgreSQL: statements and guarded reads."""
