"""The objects that a cluster is born with, and the rules of the roles among them."""
