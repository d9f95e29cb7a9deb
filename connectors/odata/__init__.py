"""OData v4 and v2 services (SAP, Dynamics): entities and operations of a pinned `$metadata`, listed in the configuration."""
