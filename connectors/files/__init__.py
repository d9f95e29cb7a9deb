"""Files in a folder or behind SFTP, with EDI (EDIFACT, X12), as a kind of connector."""
