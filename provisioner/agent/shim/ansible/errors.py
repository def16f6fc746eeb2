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


class AnsibleRequiredOptionError(AnsibleOptionsError):
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


class AnsibleAction(AnsibleRuntimeError):
    """Ends an action; `result` is merged into the task's."""

    def __init__(self, message: str = "", obj: Any = None, show_content: bool = True, orig_exc: Any = None, result: Any = None) -> None:
        super().__init__(message, obj=obj, show_content=show_content, orig_exc=orig_exc)
        self.result = dict(result or {})


class AnsibleActionFail(AnsibleAction):
    pass


class AnsibleActionSkip(AnsibleAction):
    pass


class _AnsibleActionDone(AnsibleAction):
    """The action has its result before its end."""


class AnsibleAssertionError(AnsibleError, AssertionError):
    pass


class AnsibleConnectionFailure(AnsibleRuntimeError):
    pass


class AnsibleAuthenticationFailure(AnsibleConnectionFailure):
    pass
