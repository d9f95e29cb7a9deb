"""Connectors to SOAP services: operations of a WSDL, listed in the configuration one by one."""
