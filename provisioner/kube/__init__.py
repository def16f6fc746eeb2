"""Everything that runs on the hosts: the API server and the daemons around it. Never imports the installer."""
