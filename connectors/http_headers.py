"""Which HTTP headers may be named by those who describe a request: a document, a section of the configuration. Pure."""

import re
from typing import Annotated, Final

from pydantic import StringConstraints
from pydantic_core import PydanticCustomError

SENT_ANYWAY: Final = frozenset(
    (
        *("accept", "accept-encoding", "authorization", "content-length", "content-type", "host"),
        *("user-agent", "date"),
    )
)
"""Headers that the client writes itself."""
NEVER_SENT: Final = frozenset(
    (
        *("connection", "cookie", "expect", "keep-alive", "proxy-authorization", "proxy-connection", "te"),
        *("trailer", "transfer-encoding", "upgrade"),
        *("x-http-method", "x-http-method-override", "x-method-override"),
    )
)
"""Headers that change whose request it is, where it ends, or which operation is called."""
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}")

HeaderName = Annotated[str, StringConstraints(pattern=rf"^{HEADER_NAME.pattern}$")]
"""A header's name in a section."""


def check_header(name: str, *, but: str = "") -> None:
    """Return if a header may be set; raises PydanticCustomError where it is the client's own or the connection's."""
    if name.lower() in (SENT_ANYWAY | NEVER_SENT) - {but}:
        raise PydanticCustomError("header", "{name} is not for a configuration to set", {"name": name})
