"""From an event to a question for the model, and from its answer to a checked decision. Pure: no I/O."""
