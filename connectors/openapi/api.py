"""An OpenAPI document beside what was made of it so far. Pure."""

from connectors.openapi.references import JsonObject
from connectors.openapi.result_model import Results
from connectors.schema_document import SchemaDocument


class Api:
    """A document whose operations share what they have in common.

    Attributes:
        said: the document; nobody changes it.
        schemas: makes arguments.
        results: makes models of results.
    """

    def __init__(self, name: str, said: JsonObject) -> None:
        """Take the name of the connector and the document."""
        self.said = said
        self.schemas = SchemaDocument(name, said)
        self.results = Results(f"{name}_result", said)
