"""Errors of this package, by who must act.

SchemaError
├── UnreadableError      the record's bytes are bad: dead-letter it
├── NoEventError         the record is right and carries no event, by declaration: it is finished
├── UnknownSchemaError   no such schema here or in the registry: fix the registry or the configuration
├── ChangedSchemaError   an id means another schema than it did: ask who changed the registry
└── RegistryError        the registry did not answer, or does not let us in: try again later
"""


class SchemaError(Exception):
    """Something about a schema or an encoded value is wrong; the message names the thing and the fix."""


class UnreadableError(SchemaError):
    """A record that cannot be decoded or validated. Reading it again gives the same error."""


class NoEventError(SchemaError):
    """A record that carries no event, as is declared of its topic: a tombstone, a kind that is ignored. Nothing is to be done."""


class UnknownSchemaError(SchemaError):
    """A schema name, version or id that neither the folder nor the registry knows."""


class ChangedSchemaError(SchemaError):
    """A schema id that means something else than it did, or than its pin says; ids never change in an honest registry."""


class RegistryError(SchemaError):
    """The registry is unreachable, answered with a server error or refuses our credentials. Trying again may help."""
