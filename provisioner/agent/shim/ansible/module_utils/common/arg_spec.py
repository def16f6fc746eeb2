"""Arguments checked outside of a module, as people's own plugins do it."""

from typing import Any, Dict, List

from ansible.module_utils.common.parameters import converter
from provisioner.agent.argument_check import Check


class ValidationResult:
    """What came of a check: `error_messages`, and the arguments with defaults and types in `validated_parameters`."""

    def __init__(self, parameters: Dict[str, Any], errors: List[str], deprecations: List[Dict[str, Any]]) -> None:
        self.validated_parameters = parameters
        self.error_messages = errors
        self._deprecations = deprecations


class ArgumentSpecValidator:
    """`rules` are mutually_exclusive, required_together, required_one_of, required_if and required_by."""

    def __init__(self, argument_spec: Dict[str, Any], *_: Any, **rules: Any) -> None:
        self.argument_spec = argument_spec
        self._rules = rules

    def validate(self, parameters: Dict[str, Any], *_: Any, **__: Any) -> ValidationResult:
        check = Check(converter)
        found = check.level(self.argument_spec, parameters, self._rules)
        unknown = check.unknown()
        return ValidationResult(found, [*check.errors, *([unknown] if unknown else [])], check.told)
