"""Evaluation: would another model, prompt or catalog have done the same? Pure: what a case needs from outside is in it."""
