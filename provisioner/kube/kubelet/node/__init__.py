"""This node's object: registration, its status, and the lease that says we live."""
