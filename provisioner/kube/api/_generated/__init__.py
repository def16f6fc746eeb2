"""Types and tables of the Kubernetes API; scripts/generate_api.py makes them."""
