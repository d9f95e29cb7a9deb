"""From the section `model` to models that can be asked."""

from collections.abc import Sequence

from pydantic import SecretStr

from consumers.adapters.no_model import NoModel
from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.openai_settings import ModelSettings
from consumers.adapters.preferred_models import ClosableModel, PreferredModels
from consumers.app.model_section import Model
from consumers.app.secrets import secret
from consumers.telemetry.metrics import Metrics


def preferred_models(section: Model | None, metrics: Metrics) -> ClosableModel:
    """Return the deployments in order of preference; they connect when they are asked, and must be closed.

    Raises:
        ConfigurationError: a key is referred to and not there, or an endpoint is remote and may not be.
    """
    if section is None:
        return NoModel()
    models = [(each.called, OpenAIModel(each, metrics)) for each in deployment_settings(section)]
    return PreferredModels(models, metrics, limits=section.breaker.limits)


def first_model(section: Model | None, metrics: Metrics) -> ClosableModel:
    """Return the preferred deployment alone, with nothing to stand in for it; it must be closed.

    Raises:
        ConfigurationError: as `preferred_models`.
    """
    return NoModel() if section is None else OpenAIModel(deployment_settings(section)[0], metrics)


def deployment_settings(section: Model) -> Sequence[ModelSettings]:
    """Return the settings of each deployment, keys included, in order of preference.

    Raises:
        ConfigurationError: a key is referred to and not there.
    """
    return [each.settings(_key(each)) for each in section.deployments()]


def _key(deployment: Model) -> SecretStr:
    # The client wants a key even for endpoints that have none, such as a model on the same machine.
    return secret(deployment.api_key, f"api_key of model {deployment.called}") or SecretStr("none")
