"""uri: one HTTP request, its answer, and whether its status is one of those wanted."""

import base64
import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, Optional

from provisioner.agent import attributes, contents
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS = dict(
    attributes.FILE_ARGUMENTS,
    url={"required": True},
    dest={"type": "path"},
    url_username={"aliases": ["user"]},
    url_password={"aliases": ["password"]},
    body={"type": "raw"},
    body_format={"default": "raw", "choices": ["form-urlencoded", "json", "raw", "form-multipart"]},
    src={"type": "path"},
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
    force={"type": "bool", "default": False},
    force_basic_auth={"type": "bool", "default": False},
    validate_certs={"type": "bool", "default": True},
    client_cert={"type": "path"},
    client_key={"type": "path"},
    ca_path={"type": "path"},
    use_proxy={"type": "bool", "default": True},
    http_agent={"default": "ansible-httpget"},
    use_gssapi={"type": "bool", "default": False},
    use_netrc={"type": "bool", "default": True},
    unredirected_headers={"type": "list", "default": []},
    decompress={"type": "bool", "default": True},
    ciphers={"type": "list"},
)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if args["creates"] and os.path.exists(args["creates"]):
        return {
            "changed": False,
            "msg": "skipped, since '%s' exists" % args["creates"],
            "stdout": "skipped, since '%s' exists" % args["creates"],
        }
    if args["removes"] and not os.path.exists(args["removes"]):
        return {"changed": False, "msg": "skipped, since '%s' does not exist" % args["removes"]}
    if context.check and args["method"].upper() not in ("GET", "HEAD"):
        return {"changed": False, "skipped": True, "msg": "remote module (uri) does not support check mode"}
    headers = {str(key): str(value) for key, value in args["headers"].items()}
    data = _body(args, headers)
    headers.setdefault("User-Agent", args["http_agent"])
    if args["url_username"]:
        pair = "%s:%s" % (args["url_username"], args["url_password"] or "")
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    request = urllib.request.Request(args["url"], data=data, headers=headers, method=args["method"].upper())
    started = time.monotonic()
    status, reason, answer, found = _ask(args, request)
    result: Dict[str, Any] = {
        "changed": False,
        "url": found.get("_url", args["url"]),
        "status": status,
        "msg": reason,
        "elapsed": int(time.monotonic() - started),
        "redirected": found.get("_url", args["url"]) != args["url"],
        "cookies": {},
        "cookies_string": "",
    }
    result.update({key.lower().replace("-", "_"): value for key, value in found.items() if not key.startswith("_")})
    text = answer.decode("utf-8", "replace")
    if "json" in found.get("Content-Type", "").lower():
        try:
            result["json"] = json.loads(text)
        except ValueError:
            pass
    if args["dest"] and status in args["status_code"]:
        result.update(_store(args, answer, context))
    if status not in args["status_code"]:
        result.update(failed=True, content=text, msg="Status code was %s and not %s: %s" % (status, args["status_code"], reason))
    elif args["return_content"]:
        result["content"] = text
    return result


def _body(args: Dict[str, Any], headers: Dict[str, str]) -> Optional[bytes]:
    body = args["body"]
    names = {key.lower() for key in headers}
    if args["src"]:
        with open(args["src"], "rb") as file:
            return file.read()
    if body is None:
        return None
    if args["body_format"] == "json":
        if "content-type" not in names:
            headers["Content-Type"] = "application/json"
        return (body if isinstance(body, str) else json.dumps(body)).encode()
    if args["body_format"] == "form-urlencoded":
        if "content-type" not in names:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return (body if isinstance(body, str) else urllib.parse.urlencode(body, doseq=True)).encode()
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _ask(args: Dict[str, Any], request: urllib.request.Request) -> Any:
    """(status, reason, body, headers); status -1 where nobody answered."""
    handlers: List[Any] = [] if args["use_proxy"] else [urllib.request.ProxyHandler({})]
    if args["follow_redirects"] in ("no", "none", "False"):
        handlers.append(_NoRedirect())
    if args["url"].startswith("https:"):
        handlers.append(urllib.request.HTTPSHandler(context=_tls(args)))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=args["timeout"]) as answer:
            body = answer.read()
            return (
                answer.status,
                "OK (%s bytes)" % answer.headers.get("Content-Length", "unknown"),
                body,
                dict(answer.headers.items(), _url=answer.url),
            )
    except urllib.error.HTTPError as error:
        return error.code, "HTTP Error %d: %s" % (error.code, error.reason), error.read(), dict(error.headers.items())
    except (urllib.error.URLError, OSError) as error:
        return -1, "Request failed: <urlopen error %s>" % getattr(error, "reason", error), b"", {}


def _tls(args: Dict[str, Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=args["ca_path"])
        if not args["validate_certs"]:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if args["client_cert"]:
            context.load_cert_chain(args["client_cert"], args["client_key"])
        return context
    except OSError as error:
        raise ModuleFailed("certificates can't be read: %s" % error)


def _store(args: Dict[str, Any], answer: bytes, context: Context) -> Dict[str, Any]:
    dest = args["dest"]
    if os.path.isdir(dest):
        dest = os.path.join(dest, os.path.basename(urllib.parse.urlparse(args["url"]).path) or "index.html")
    changed = not os.path.exists(dest)
    if not changed:
        with open(dest, "rb") as file:
            changed = file.read() != answer
    if changed and not context.check:
        contents.write(dest, answer)
    changed = attributes.apply(dest, args, context) or changed
    return dict({"path": dest, "changed": changed}, **attributes.describe(dest))
