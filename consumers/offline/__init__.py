"""The offline model: an OpenAI-compatible HTTP server that answers from a script of rules, and says so.

It stands in where no language model is at hand: the demo, tests, benchmarks. It understands nothing, it is
never a default of production, and every answer of its names it.
"""
