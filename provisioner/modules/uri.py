"""uri: one HTTP request, its answer, and whether its status is one of those wanted."""

import hashlib
import json
import os
import time
import urllib.parse
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent import attributes, contents, multipart, web
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    **dict(
        web.URL_ARGUMENTS,
        url={"required": True},
        dest={"type": "path"},
        url_username={"aliases": ["user"]},
        url_password={"aliases": ["password"], "no_log": True},
        body={"type": "raw"},
        body_format={"default": "raw", "choices": ["form-urlencoded", "json", "raw", "form-multipart"]},
        src={"type": "path"},
        _blob={},
        method={"default": "GET"},
        return_content={"type": "bool", "default": False},
        follow_redirects={"default": "safe", "choices": ["all", "no", "none", "safe", "urllib2", "yes", "False", "True"]},
        creates={"type": "path"},
        removes={"type": "path"},
        status_code={"type": "list", "elements": "int", "default": [200]},
        timeout={"type": "int", "default": 30},
        headers={"type": "dict", "default": {}},
        unix_socket={"type": "path"},
        remote_src={"type": "bool", "default": False},
        ca_path={"type": "path"},
    ),
    _rules={"called": "ansible.legacy.uri", "mutually_exclusive": [["body", "src"]]},
)
# Subtypes whose content may be JSON whatever they say.
_JSON = ("json", "javascript")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if context.check:
        return {"changed": False, "skipped": True, "msg": "This action (uri) does not support check mode."}
    if args["creates"] and os.path.exists(args["creates"]):
        return {"changed": False, "stdout": "skipped, since '%s' exists" % args["creates"]}
    if args["removes"] and not os.path.exists(args["removes"]):
        return {"changed": False, "stdout": "skipped, since '%s' does not exist" % args["removes"]}
    method = args["method"].upper()
    if not method.isalpha():
        raise ModuleFailed("Parameter 'method' needs to be a single word in uppercase, like GET or POST.")
    headers = {str(name): str(value) for name, value in args["headers"].items()}
    data, stream = _body(args, headers, context)
    dest, since = args["dest"], None
    if dest and os.path.isfile(dest):
        since = os.path.getmtime(dest)
    started = time.monotonic()
    try:
        answer = web.ask(args, context, method=method, data=data, headers=headers, modified_since=since, follow=args["follow_redirects"])
    finally:
        if stream is not None:
            stream.close()
    elapsed = int(time.monotonic() - started)
    try:
        return _told(args, answer, elapsed, context)
    finally:
        answer.close()


def _told(args: Dict[str, Any], answer: web.Answer, elapsed: int, context: Context) -> Dict[str, Any]:
    wanted = answer.status in args["status_code"]
    subtype, charset = _kind(answer.headers.get("content-type", ""))
    maybe_json = subtype in _JSON or subtype.endswith("+json")
    needed = maybe_json or args["return_content"] or not wanted
    content = answer.read() if needed or args["dest"] or answer.refused else b""
    result: Dict[str, Any] = {key.replace("-", "_"): value for key, value in answer.headers.items()}
    result.update(
        changed=False,
        url=answer.url,
        status=answer.status,
        msg=answer.msg,
        elapsed=elapsed,
        redirected=answer.url != args["url"],
    )
    text = _text(content, charset)
    if answer.refused and not needed:
        result["body"] = text
    elif answer.status != -1 and not answer.refused:
        result.update(cookies=answer.cookies, cookies_string=answer.cookies_string)
    if "location" in result:
        result["location"] = urllib.parse.urljoin(args["url"], result["location"])
    if args["dest"]:
        result.update(_stored(args, answer, content, context))
    if maybe_json:
        try:
            result["json"] = json.loads(text)
        except ValueError:
            pass
    if not wanted:
        result.update(failed=True, msg="Status code was %s and not %s: %s" % (answer.status, args["status_code"], answer.msg))
    if args["return_content"]:
        result["content"] = text
    return result


def _text(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _kind(content_type: str) -> Tuple[str, str]:
    """(subtype, character set) of a content-type header."""
    kind, _, parameters = content_type.partition(";")
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            charset = value.strip("\"' ")
    return kind.strip().lower().rpartition("/")[2], charset


def _body(args: Dict[str, Any], headers: Dict[str, str], context: Context) -> Tuple[Any, Any]:
    """(what is sent, what is to be closed after); content-type stands in `headers` unless it did before."""
    source = context.blob(args["_blob"]) if args["_blob"] else args["src"]
    if source:
        try:
            stream = open(source, "rb")
        except OSError as error:
            raise ModuleFailed("Unable to open source file %s" % source, elapsed=0, reason=error.strerror)
        headers["Content-Length"] = str(os.fstat(stream.fileno()).st_size)
        return stream, stream
    body: Any = args["body"]
    kind: Optional[str] = None
    if args["body_format"] == "form-multipart":
        try:
            kind, body = multipart.encoded(body, context)
        except (TypeError, ValueError) as error:
            raise ModuleFailed("failed to parse body as form-multipart: %s" % error)
        for name in [name for name in headers if name.lower() == "content-type"]:
            del headers[name]
    elif args["body_format"] == "json":
        kind = "application/json"
        # A text is taken for JSON already.
        body = body if isinstance(body, str) else json.dumps(body)
    elif args["body_format"] == "form-urlencoded":
        kind = "application/x-www-form-urlencoded"
        if not isinstance(body, str):
            try:
                body = urllib.parse.urlencode(_pairs(body))
            except (TypeError, ValueError) as error:
                raise ModuleFailed("failed to parse body as form_urlencoded: %s" % error, elapsed=0)
    elif isinstance(body, (dict, list)):
        body = json.dumps(body)
    if kind and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = kind
    if body is None or isinstance(body, bytes):
        return body, None
    return str(body).encode("utf-8", "surrogateescape"), None


def _pairs(body: Any) -> List[Tuple[Any, Any]]:
    """Names and values of a form; a list of values is its name several times."""
    if body is None:
        return []
    pairs = []
    for name, values in body.items() if isinstance(body, dict) else body:
        for value in values if isinstance(values, (list, tuple)) else [values]:
            pairs.append((name, value))
    return pairs


def _stored(args: Dict[str, Any], answer: web.Answer, content: bytes, context: Context) -> Dict[str, Any]:
    """Puts the answer into its file, when it is one that was wanted."""
    dest = args["dest"]
    if os.path.isdir(dest):
        dest = os.path.join(dest, web.name_from_headers(answer.headers) or web.file_name(answer.url))
    if answer.status not in args["status_code"] or answer.status == 304:
        return dict({"path": dest}, **attributes.describe(dest))
    if os.path.exists(dest):
        if not os.access(dest, os.W_OK):
            raise ModuleFailed("Destination '%s' is not writable" % dest)
        if not os.access(dest, os.R_OK):
            raise ModuleFailed("Destination '%s' is not readable" % dest)
    elif not os.access(os.path.dirname(dest) or ".", os.W_OK):
        raise ModuleFailed("Destination dir '%s' is not writable" % (os.path.dirname(dest) or "."))
    if contents.sha1_of(dest) != hashlib.sha1(content).hexdigest():
        contents.write(dest, content)
    attributes.apply(dest, args, context)
    return dict({"path": dest, "changed": True}, **attributes.describe(dest))
