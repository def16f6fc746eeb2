"""What is wrong with arguments, by kind."""

from typing import Any, List, Sequence

from provisioner.agent.argument_check import FallbackAbsent as AnsibleFallbackNotFound

__all__ = ["AnsibleFallbackNotFound"]


class AnsibleValidationError(Exception):
    """One thing that is wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.error_message = message

    @property
    def msg(self) -> str:
        return str(self.args[0])


class AnsibleValidationErrorMultiple(AnsibleValidationError):
    """Several of them; `msg` is the first's."""

    def __init__(self, errors: Sequence[AnsibleValidationError] = ()) -> None:
        super().__init__()
        self.errors: List[AnsibleValidationError] = list(errors)

    def __getitem__(self, key: Any) -> Any:
        return self.errors[key]

    @property
    def msg(self) -> str:
        return self.errors[0].msg if self.errors else ""

    @property
    def messages(self) -> List[str]:
        return [error.msg for error in self.errors]

    def append(self, error: AnsibleValidationError) -> None:
        self.errors.append(error)

    def extend(self, errors: Any) -> None:
        self.errors.extend(errors)


class AliasError(AnsibleValidationError):
    pass


class ArgumentTypeError(AnsibleValidationError):
    pass


class ArgumentValueError(AnsibleValidationError):
    pass


class DeprecationError(AnsibleValidationError):
    pass


class ElementError(AnsibleValidationError):
    pass


class MutuallyExclusiveError(AnsibleValidationError):
    pass


class NoLogError(AnsibleValidationError):
    pass


class RequiredByError(AnsibleValidationError):
    pass


class RequiredDefaultError(AnsibleValidationError):
    pass


class RequiredError(AnsibleValidationError):
    pass


class RequiredIfError(AnsibleValidationError):
    pass


class RequiredOneOfError(AnsibleValidationError):
    pass


class RequiredTogetherError(AnsibleValidationError):
    pass


class SubParameterTypeError(AnsibleValidationError):
    pass


class UnsupportedError(AnsibleValidationError):
    pass
