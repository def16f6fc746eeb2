"""Passwords, drawn and hashed, for people's own plugins on the controller."""

import random
import string
from typing import Any, Optional

DEFAULT_PASSWORD_LENGTH = 20
_CHARACTERS = string.ascii_letters + string.digits + ".,:-_"
_OF_SALTS = string.ascii_letters + string.digits + "./"


def random_password(length: int = DEFAULT_PASSWORD_LENGTH, chars: str = _CHARACTERS, seed: Any = None) -> str:
    """The same for the same seed."""
    drawn = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - a seed asks for it
    return "".join(drawn.choice(chars) for _ in range(length))


def random_salt(length: int = 8) -> str:
    return random_password(length, _OF_SALTS)


def do_encrypt(
    result: Any, encrypt: str, salt_size: Optional[int] = None, salt: Optional[str] = None, ident: Any = None, rounds: Optional[int] = None
) -> str:
    """Raises AnsibleError for an algorithm or salt that is none."""
    from ansible.errors import AnsibleError
    from provisioner.templating.errors import PluginError
    from provisioner.templating.filters.digests import password_hash

    try:
        return password_hash(result, encrypt, salt, salt_size, rounds, ident)
    except PluginError as e:
        raise AnsibleError(str(e)) from e


def passlib_or_crypt(
    secret: Any,
    algorithm: str,
    salt: Optional[str] = None,
    salt_size: Optional[int] = None,
    rounds: Optional[int] = None,
    ident: Any = None,
) -> str:
    return do_encrypt(secret, algorithm, salt_size, salt, ident, rounds)
