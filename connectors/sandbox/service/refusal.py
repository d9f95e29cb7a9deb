"""A request the sandbox understood and refused, as it appears in a problem document (RFC 9457)."""


class RefusedError(Exception):
    """Nothing was done.

    Attributes:
        status: HTTP status.
        code: machine-readable reason, such as `out_of_stock`.
        detail: one sentence for people and models.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    def problem(self) -> dict[str, object]:
        """Return the body of the problem document."""
        return {
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
