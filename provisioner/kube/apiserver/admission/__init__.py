"""What happens to an object between decoding and storing: plug-ins that fill in (mutate), refuse (validate) or clean up after it."""
