"""Errors of this package, by who must act.

SchemaError
├── UnreadableError      the record's bytes are bad: dead-letter it
├── UnknownSchemaError   no such schema here or in the registry: fix the registry or the configuration
└── RegistryError        the registry did not answer: try again later
"""


class SchemaError(Exception):
    """Something about a schema or an encoded value is wrong; the message names the thing and the fix."""


class UnreadableError(SchemaError):
    """A record that cannot be decoded or validated. Reading it again gives the same error."""


class UnknownSchemaError(SchemaError):
    """A schema name, version or id that neither the folder nor the registry knows."""


class RegistryError(SchemaError):
    """The registry is unreachable or answered with a server error. Trying again may help."""
