"""What a run needs from outside, as small Protocols; each has a real adapter and a fake that pass one suite."""
