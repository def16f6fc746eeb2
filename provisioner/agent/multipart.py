"""Forms with files (multipart/form-data) for uri: fields are texts, or mappings with content or filename, and a mime_type."""

import base64
import mimetypes
import os
import random
from typing import Any, Dict, Tuple

from provisioner.agent.context import Context


def encoded(fields: Any, context: Context) -> Tuple[str, bytes]:
    """(content type, body). Raises TypeError or ValueError with what is wrong with a field."""
    if not isinstance(fields, dict):
        raise TypeError("Mapping is required, cannot be type %s" % type(fields).__name__)
    boundary = "===============%019d==" % random.SystemRandom().randrange(10**19)
    lines = []
    for name, value in sorted(fields.items()):
        lines += [b"--" + boundary.encode(), *_part(str(name), value, context)]
    lines += [b"--" + boundary.encode() + b"--", b""]
    return 'multipart/form-data; boundary="%s"' % boundary, b"\r\n".join(lines)


def _part(name: str, value: Any, context: Context) -> Tuple[bytes, ...]:
    if isinstance(value, (str, bytes)):
        field: Dict[str, Any] = {"content": value, "mime_type": "text/plain"}
    elif isinstance(value, dict):
        field = value
    else:
        raise TypeError("value must be a string, or mapping, cannot be type %s" % type(value).__name__)
    file, content = field.get("filename"), field.get("content")
    if file is None and content is None:
        raise ValueError("at least one of filename or content must be provided")
    kind = field.get("mime_type") or mimetypes.guess_type(file or "", strict=False)[0] or "application/octet-stream"
    encoding = field.get("multipart_encoding") or "base64"
    if encoding not in ("base64", "7or8bit"):
        raise ValueError("multipart_encoding must be one of ['base64', '7or8bit'].")
    headers = ["Content-Type: %s" % kind, 'Content-Disposition: form-data; name="%s"' % name]
    if file is not None:
        headers[1] += '; filename="%s"' % os.path.basename(file)
    if content is not None:
        data = content if isinstance(content, bytes) else str(content).encode("utf-8", "surrogateescape")
    else:
        with open(context.blob(field["_blob"]) if field.get("_blob") else str(file), "rb") as opened:
            data = opened.read()
        if encoding == "base64":
            headers.insert(0, "Content-Transfer-Encoding: base64")
            data = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return ("\r\n".join(headers).encode("utf-8", "surrogateescape"), b"", data)
