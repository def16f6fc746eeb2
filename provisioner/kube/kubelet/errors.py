"""The kubelet's errors.

KubeletError
  DockerError          an answer of dockerd that is no success (status), or no answer (status 0: retryable)
  ContainerRefused     a container that can't be made as its pod asks: `reason` is the one for its status
  VolumeError          a volume that can't be set up (yet)
"""

from __future__ import annotations


class KubeletError(Exception):
    """Root of what can go wrong with one pod; never the end of the daemon."""


class DockerError(KubeletError):
    """`status` is the HTTP code, 0 where dockerd could not be reached."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class ContainerRefused(KubeletError):
    """`reason` becomes the waiting state's reason (CreateContainerConfigError, ErrImagePull, ...)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class VolumeError(KubeletError):
    """`volume` is its name in the pod; `step` is what upstream's event calls what failed."""

    def __init__(self, volume: str, message: str, step: str = "SetUp failed") -> None:
        super().__init__(message)
        self.volume, self.message, self.step = volume, message, step
