"""Optional dependencies: what a kind of connector needs comes by an extra of this distribution."""

from importlib.util import find_spec

from connectors.kind import SettingsError, SettingsMistake


def require_extra(extra: str, *modules: str) -> None:
    """Return if these modules can be imported; imports none of them.

    Raises:
        SettingsError: one is missing, with the command that installs it.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        message = f"needs {', '.join(missing)}, not installed here"
        raise SettingsError([SettingsMistake((), message, f"pip install 'pointsman[{extra}]'")])
