"""Custom resources: kinds that CustomResourceDefinitions bring while the server runs.

    schema.py       structural schemas: what is pruned, defaulted and refused; the merge rules that server-side apply needs
    json_paths.py   the JSONPath of printer columns, scale and selectable fields
    objects.py      a custom object, its kind and its strategy, in the shape the verbs expect of every kind
    definitions.py  follows the definitions: registers kinds, writes their conditions, clears up behind them

CEL rules (x-kubernetes-validations) are not evaluated, and webhook conversion is not called: versions differ by apiVersion alone.
"""
