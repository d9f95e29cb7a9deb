"""What can be done: the contract of an action, the catalog, and one folder per kind of system."""
