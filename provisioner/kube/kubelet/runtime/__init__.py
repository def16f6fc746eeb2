"""Docker as the container runtime: the Engine API's client, what runs of ours, and images."""
