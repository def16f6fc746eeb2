"""Arguments checked outside of a module, as people's own plugins do it."""

from typing import Any, Dict, List, Set

from ansible.module_utils.common.parameters import converter
from ansible.module_utils.errors import AnsibleValidationError, AnsibleValidationErrorMultiple, UnsupportedError
from provisioner.agent.argument_check import Check
from provisioner.agent.hidden_values import no_log_values

_RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")


class ValidationResult:
    """What came of a check: `errors` and `error_messages`, and the arguments with defaults and types in `validated_parameters`."""

    def __init__(
        self, parameters: Dict[str, Any], errors: List[AnsibleValidationError], told: List[Dict[str, Any]], hidden: Set[str]
    ) -> None:
        self.validated_parameters = parameters
        self.errors = AnsibleValidationErrorMultiple(errors)
        self._deprecations = told
        self._warnings: List[Dict[str, Any]] = []
        self._no_log_values = hidden

    @property
    def error_messages(self) -> List[str]:
        return [error.msg for error in self.errors.errors]

    @property
    def unsupported_parameters(self) -> Set[str]:
        return {
            name for error in self.errors.errors if isinstance(error, UnsupportedError) for name in error.msg.split(". ")[0].split(", ")
        }


class ArgumentSpecValidator:
    """`rules` are mutually_exclusive, required_together, required_one_of, required_if and required_by, in this order or by name."""

    def __init__(self, argument_spec: Dict[str, Any], *given: Any, **rules: Any) -> None:
        self.argument_spec = argument_spec
        self._rules = dict(zip(_RULES, given), **rules)  # noqa: B905 - strict= came with Python 3.10

    def validate(self, parameters: Dict[str, Any], *_: Any, **__: Any) -> ValidationResult:
        check = Check(converter)
        found = check.level(self.argument_spec, parameters, self._rules)
        unknown = check.unknown()
        errors = [AnsibleValidationError(text) for text in check.errors] + ([UnsupportedError(unknown)] if unknown else [])
        return ValidationResult(found, errors, check.told, no_log_values(self.argument_spec, parameters))
