"""Message classes of etcd's API; made by scripts/generate_etcd.py, never edited."""
