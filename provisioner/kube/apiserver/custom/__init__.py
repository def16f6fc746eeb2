"""Custom resources: kinds that CustomResourceDefinitions bring while the server runs.

definitions.py       follows the definitions: registers kinds, writes their conditions, clears up behind them
definition_rules.py  what a definition must say to be taken
schema.py            structural schemas: what is pruned, defaulted and refused; the merge rules that server-side apply needs
rules.py             x-kubernetes-validations: rules in CEL
formats.py, embedded.py, json_paths.py  parts of schemas with a language of their own
conversion.py        one version's objects as another's, by the definition's webhook where it has one
cells.py             what the columns of a definition show of an object
objects.py           a custom object, its kind and its strategy, in the shape the verbs expect of every kind
"""
