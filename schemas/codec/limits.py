"""How much one record may hold. Each refusal names the limit it met."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that apply before and after decoding; the defaults suit business events.

    Attributes:
        record_bytes: of a record's value, as fetched.
        headers: how many headers a record may carry.
        header_bytes: names and values of all headers together.
        attribute_chars: of an id, type, source, subject or session id, each.
        values: members and items in a decoded payload, all levels together.
        depth: levels of objects and arrays in a decoded payload.
    """

    record_bytes: int = 1024 * 1024
    headers: int = 100
    header_bytes: int = 64 * 1024
    attribute_chars: int = 512
    values: int = 100_000
    depth: int = 64
