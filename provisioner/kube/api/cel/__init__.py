"""The Common Expression Language as the Kubernetes API uses it: policies, custom resources' rules, webhooks' match conditions.

`compile(text, names)` reads and checks an expression once; the Program it gives is run with a value for each name. Values are what JSON
decodes to, and the language's own (timestamps, durations, quantities, optionals…). Running is bounded by a budget of steps. Pure: no I/O.
Source: the language definition and the Kubernetes reference page "Common Expression Language in Kubernetes".
"""

from provisioner.kube.api.cel import library as _library  # its functions register themselves
from provisioner.kube.api.cel.program import Budget, Program, compile
from provisioner.kube.api.cel.values import CelError

_ = _library
__all__ = ["Budget", "CelError", "Program", "compile"]
