"""What a user types: one file a command, with its options and help. The work is imported when it is called.

So `--help` stays fast: these files import nothing but typer.
"""
