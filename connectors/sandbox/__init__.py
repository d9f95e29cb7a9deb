"""A small ERP and CRM to try Pointsman on: a real HTTP service over SQLite, and the two connectors for it."""
