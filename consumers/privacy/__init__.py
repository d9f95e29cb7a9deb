"""Personal data: found, replaced by tokens wherever something is written, put back where it is used. Pure."""
