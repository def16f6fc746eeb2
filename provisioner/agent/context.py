"""What a module gets besides its arguments: check and diff, commands, content by hash."""

import os
import shlex
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

from provisioner.agent import processes


def shown(command: Sequence[str]) -> str:
    """A command as a shell would need it."""
    return " ".join(shlex.quote(word) for word in command)


class ModuleFailed(Exception):
    """Ends a module with failed: true; `more` are further keys of the result."""

    def __init__(self, msg: str, **more: Any) -> None:
        super().__init__(msg)
        self.msg, self.more = msg, more


class Context:
    """`check`: change nothing and say what would be. `diff`: say how content changes."""

    def __init__(
        self,
        check: bool = False,
        diff: bool = False,
        fetch_blob: Optional[Callable[[str], Optional[str]]] = None,
        tell: Optional[Callable[[str], None]] = None,
    ) -> None:
        self.check, self.diff = check, diff
        self._fetch_blob, self._tell = fetch_blob, tell
        self.warnings: List[str] = []
        self.tells_arguments = False
        """Whether results say which arguments the module took (`invocation`)."""

    def blob(self, digest: str) -> str:
        """The path of a temporary file with this content; it goes when the module ends."""
        path = self._fetch_blob(digest) if self._fetch_blob is not None else None
        if path is None:
            raise ModuleFailed("the controller has no content with the hash %s" % digest)
        return path

    def waits(self, text: str) -> None:
        """Say at once, while the module still runs, what it waits for."""
        if self._tell is not None:
            self._tell(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def run(
        self,
        command: Union[str, Sequence[str]],
        cwd: Optional[str] = None,
        data: Optional[bytes] = None,
        env: Optional[Dict[str, str]] = None,
        ok: Optional[Sequence[int]] = None,
        executable: Optional[str] = None,
    ) -> Tuple[int, str, str]:
        """(exit code, output, errors). A text is run by a shell, a list directly. With `ok`, another exit code raises ModuleFailed.

        The command runs in the C.UTF-8 locale, so that its words can be understood.
        """
        if isinstance(command, str):
            argv = [executable or "/bin/sh", "-c", command]
        else:
            argv = list(command)
        environment = dict(os.environ, LANG="C.UTF-8", LC_ALL="C.UTF-8", **(env or {}))
        try:
            code, out, errors = processes.run(argv, cwd=cwd, env=environment, data=data)
        except OSError as error:
            asked = command if isinstance(command, str) else shown(argv)
            reason = "[Errno %s] %s: %s" % (error.errno, error.strerror, error.filename or argv[0])
            raise ModuleFailed("Error executing command.", rc=error.errno, cmd=asked, stdout="", stderr="", exception=reason)
        if ok is not None and code not in ok:
            asked = command if isinstance(command, str) else shown(argv)
            said = errors.rstrip() or "%s: exit code %d: %s" % (asked, code, out.strip()[-2000:])
            raise ModuleFailed(said, cmd=asked, rc=code, stdout=out, stderr=errors)
        return code, out, errors

    def which(self, name: str) -> str:
        """The path of a program. Raises ModuleFailed."""
        folders = [folder for folder in os.environ.get("PATH", "").split(":") if folder]
        folders += [folder for folder in ("/sbin", "/usr/sbin", "/usr/local/sbin", "/bin", "/usr/bin") if folder not in folders]
        for folder in folders:
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
        raise ModuleFailed('Failed to find required executable "%s" in paths: %s' % (name, ":".join(folders)))
