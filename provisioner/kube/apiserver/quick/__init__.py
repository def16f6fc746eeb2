"""The short way of small requests: read off the connection's bytes, decided by the same code, answered in one write."""
