"""Pods' volumes and the files that every pod gets. All of it lies under the kubelet's root directory, `pods/<uid>/`, as upstream's does."""
