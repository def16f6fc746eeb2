"""The Kubernetes API as data: kinds, defaults, validation, selectors, patches, quantities and errors.

Pure: no I/O, no clock, nothing else of ours is imported. `_generated` holds what the API's field list says; everything
thought about it stands beside. The API server applies these rules; every other daemon uses the types and the errors.
"""
