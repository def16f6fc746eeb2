"""One call of a module: its arguments checked, its failures and crashes as results, and what every result says of a file."""

import errno
import traceback
from types import ModuleType
from typing import Any, Dict

from provisioner.agent import attributes
from provisioner.agent.arguments import ArgumentError, checked
from provisioner.agent.context import Context, ModuleFailed
from provisioner.agent.framing import EndOfInput
from provisioner.agent.hidden_values import no_log_values, remove_values


def outcome(module: ModuleType, name: str, given: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """What the module answers to these arguments; only the end of the channel, and what is no Exception, goes through."""
    taken = given
    try:
        args = checked(module.ARGUMENTS, dict(given), name)
        taken = dict(args)
        result: Dict[str, Any] = module.run(args, context)
    except ArgumentError as error:
        result = {"failed": True, "msg": str(error)}
    except ModuleFailed as error:
        result = dict({"failed": True, "msg": error.msg}, **error.more)
    except SystemExit as error:
        result = {"failed": True, "msg": "module %s ended with the exit code %s" % (name, error.code)}
    except EndOfInput:
        raise
    except Exception as error:
        result = crash(error)
    result.setdefault("changed", False)
    attributes.add_to(result)
    if context.warnings:
        result.setdefault("warnings", []).extend(context.warnings)
    if context.tells_arguments:
        result.setdefault("invocation", _invocation(given, taken))
    shown: Dict[str, Any] = remove_values(result, no_log_values(module.ARGUMENTS, given))
    return shown


def passed_on(module: Any, name: str, given: Dict[str, Any], context: Context) -> Dict[str, Any]:
    """What another module answers, which takes these arguments and says so; it is called as Ansible's actions call it. Raises as modules do."""
    args = checked(module.ARGUMENTS, dict(given), "ansible.legacy.%s" % name)
    taken = dict(args)
    result: Dict[str, Any] = module.run(args, context)
    if context.tells_arguments:
        result.setdefault("invocation", _invocation(given, taken))
    return result


def _invocation(given: Dict[str, Any], taken: Dict[str, Any]) -> Dict[str, Any]:
    """By every name they were given, too."""
    told = {key: value for key, value in dict(given, **taken).items() if not key.startswith("_") or key == "_raw_params"}
    return {"module_args": told}


def crash(error: Exception) -> Dict[str, Any]:
    """The result of a module that did not end as it should."""
    text = traceback.format_exc()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = " (%s)" % error.filename if error.filename else ""
        return {"failed": True, "msg": "the host's disk is full%s: %s" % (where, error), "exception": text}
    told = {"failed": True, "msg": "Task failed: Module failed: %s" % (str(error) or type(error).__name__)}
    if isinstance(error, OSError) and error.errno and error.filename:
        return told  # the host's trouble rather than the module's: it says all by itself
    return dict(told, exception=text)
