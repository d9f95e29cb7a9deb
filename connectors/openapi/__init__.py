"""HTTP systems that an OpenAPI document describes: `use: openapi`, an allow-list of operations, and nothing coded."""
