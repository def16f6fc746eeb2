"""Renders values and files with Jinja under Ansible's rules: filters, tests, lookups, lazy variables, `omit`.

A string that is one expression yields the expression's own value; everything else yields text. Variables are rendered when first
used, undefined ones are errors that name what was meant. Results of templates, facts and `!unsafe` text are never rendered again.
It reads files only through lookups, and knows nothing of plays or hosts' connections.
"""

from provisioner.templating.errors import PluginError, TemplateError, UndefinedVariable
from provisioner.templating.templar import Templar, with_errors_shown
from provisioner.templating.values import OMIT, Omit, Resolved, Unsafe, is_template

__all__ = [
    "OMIT",
    "Omit",
    "PluginError",
    "Resolved",
    "TemplateError",
    "Templar",
    "UndefinedVariable",
    "Unsafe",
    "is_template",
    "with_errors_shown",
]
