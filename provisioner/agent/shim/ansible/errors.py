"""The errors that people's own plugins raise."""

from typing import Any


class AnsibleError(Exception):
    """Root of them all."""

    def __init__(self, message: str = "", obj: Any = None, show_content: bool = True, orig_exc: Any = None, **_: Any) -> None:
        super().__init__(message)
        self.message = message


class AnsibleRuntimeError(AnsibleError):
    pass


class AnsibleOptionsError(AnsibleError):
    pass


class AnsibleParserError(AnsibleError):
    pass


class AnsibleTemplateError(AnsibleRuntimeError):
    pass


class AnsiblePluginError(AnsibleError):
    pass


class AnsibleFilterError(AnsibleTemplateError):
    pass


class AnsibleTypeError(AnsibleRuntimeError, TypeError):
    pass


class AnsibleFilterTypeError(AnsibleTemplateError, TypeError):
    pass


class AnsibleLookupError(AnsibleTemplateError):
    pass


class AnsibleUndefinedVariable(AnsibleTemplateError):
    pass


class AnsibleFileNotFound(AnsibleRuntimeError):
    pass


class AnsibleActionFail(AnsibleRuntimeError):
    pass


class AnsibleAssertionError(AnsibleError, AssertionError):
    pass


class AnsibleConnectionFailure(AnsibleRuntimeError):
    pass
