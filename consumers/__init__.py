"""How an event becomes actions: runtime, router, policy, session, run, adapters and command line."""
