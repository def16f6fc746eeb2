"""Types that plugins ask values for: YAML's are plain ones here, and a `!vault` value is text that remembers its envelope."""

from provisioner.templating.values import Vaulted as AnsibleVaultEncryptedUnicode

AnsibleUnicode, AnsibleMapping, AnsibleSequence = str, dict, list

__all__ = ["AnsibleMapping", "AnsibleSequence", "AnsibleUnicode", "AnsibleVaultEncryptedUnicode"]
