"""From the section `privacy` to what seals and opens, and what is wrong with it or missing in a route."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.lint import close_match
from consumers.app.config_file import ConfigFile, Mistake
from consumers.app.privacy_section import Privacy
from consumers.errors import ConfigurationError
from consumers.privacy.register import Register
from consumers.privacy.token import KEY_CHARS, Keys
from schemas.personal import tagged_fields


def register(settings: Privacy) -> Register | None:
    """Return what seals and opens; None where there is no key.

    Raises:
        ConfigurationError: a key is not there, or too short.
    """
    keys = keys_of(settings)
    return None if keys is None else Register(keys, most=settings.values)


def keys_of(settings: Privacy) -> Keys | None:
    """Return the keys; None where there are none.

    Raises:
        ConfigurationError: one is not there, or too short.
    """
    if settings.key is None:
        return None
    try:
        return Keys([each.read().get_secret_value() for each in (settings.key, *settings.previous)])
    except LookupError as error:
        raise ConfigurationError(f"privacy: {error}") from error
    except ValueError as error:
        raise ConfigurationError(f"privacy: a key {error}") from None


def privacy_mistakes(file: ConfigFile) -> Iterator[Mistake]:
    """Yield what is wrong with the keys themselves; one that is missing is found with all other secrets."""
    settings = file.config.privacy
    if settings.previous and settings.key is None:
        message = "privacy.previous: there are earlier keys, and none to seal with"
        yield Mistake(file.where("privacy", "previous"), message, "set `privacy.key`")
    for name, each in (
        ("key", settings.key),
        *((f"previous.{n}", p) for n, p in enumerate(settings.previous)),
    ):
        try:
            short = each is not None and len(each.read().get_secret_value()) < KEY_CHARS
        except LookupError:
            continue
        if short:
            message = f"privacy.{name}: has fewer than {KEY_CHARS} characters"
            hint = "make one: `openssl rand -hex 32`"
            yield Mistake(file.where("privacy", *name.split(".")), message, hint)


def shown_mistakes(file: ConfigFile, index: int, payload: Mapping[str, Any] | None) -> Iterator[Mistake]:
    """Yield what a route does not say about the personal data of its events.

    Args:
        file: the configuration.
        index: of the route.
        payload: types of its events' payload, or None where they are not known before they arrive.
    """
    if payload is None:
        return
    route, has_key = file.config.routes[index], file.config.privacy.key is not None
    at, personal = ("routes", index), tagged_fields(payload)
    for number, name in enumerate(route.show_personal):
        if name not in personal:
            message = f"routes.{index}.show_personal: {name} is not tagged as personal in {route.event}"
            hint = close_match(name, personal).strip() or "remove it"
            yield Mistake(file.where(*at, "show_personal", number), message, hint)
    for name in sorted(personal - set(route.show_personal)):
        if not has_key:
            message = f"routes.{index}: {route.event} tags {name} as personal, and there is no key to replace it with a token"
            hint = f"set `privacy.key`, or allow it to be seen and written: `show_personal: [{name}]`"
            yield Mistake(file.where(*at), message, hint)
        elif route.session_field is not None and route.session_field.partition(".")[0] == name:
            message = f"routes.{index}.session_field: {name} is tagged as personal, and would name the session everywhere"
            yield Mistake(
                file.where(*at, "session_field"), message, "name sessions by an id that is not personal"
            )
