"""A run: one event worked through. Its state is its journal; what comes next is a pure function of it."""
