"""HTTP for people's own modules over urllib: open_url, fetch_url, fetch_file, Request.

Certificates are checked unless validate_certs says no. What urllib can't do (client sockets of unix, GSSAPI) is refused by name.
"""

import base64
import http.cookiejar
import os
import ssl
import tempfile
import urllib.error
import urllib.request
from typing import Any, Dict, Optional, Tuple
from urllib.parse import unquote, urlparse, urlsplit

from ansible.module_utils.common.text.converters import to_bytes, to_native

HAS_GSSAPI = False
HAS_SSL = True
CHUNK_BYTES = 65536


class ConnectionError(Exception):
    """Failed to connect to the server."""


class NoSSLError(ConnectionError):
    pass


class SSLValidationError(ConnectionError):
    """The server's certificate is not believed."""


def url_argument_spec() -> Dict[str, Any]:
    return {
        "url": {"type": "str"},
        "force": {"type": "bool", "default": False},
        "http_agent": {"type": "str", "default": "ansible-httpget"},
        "use_proxy": {"type": "bool", "default": True},
        "validate_certs": {"type": "bool", "default": True},
        "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True},
        "force_basic_auth": {"type": "bool", "default": False},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "use_gssapi": {"type": "bool", "default": False},
    }


def basic_auth_header(username: Any, password: Any) -> bytes:
    return b"Basic " + base64.b64encode(to_bytes("%s:%s" % (username or "", password or "")))


def generic_urlparse(parts: Any) -> Any:
    return parts


class _Redirects(urllib.request.HTTPRedirectHandler):
    """follow_redirects: all, yes, urllib2 (the same), safe (GET and HEAD), none."""

    def __init__(self, how: Any) -> None:
        self._how = str(how).lower()

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        allowed = self._how in ("all", "yes", "true", "urllib2") or (self._how == "safe" and req.get_method() in ("GET", "HEAD"))
        if not allowed:
            raise urllib.error.HTTPError(newurl, code, msg, headers, fp)
        data = req.data if code in (307, 308) else None
        method = req.get_method() if code in (307, 308) or req.get_method() in ("GET", "HEAD") else "GET"
        kept = {k: v for k, v in req.headers.items() if k.lower() not in ("content-length", "content-type") or data is not None}
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            kept.pop("Authorization", None)
        return urllib.request.Request(
            newurl, data=data, headers=kept, method=method, unverifiable=True, origin_req_host=req.origin_req_host
        )


def _context(validate_certs: bool, ca_path: Optional[str], cert: Optional[str], key: Optional[str], ciphers: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_path or None)
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert:
        context.load_cert_chain(cert, key)
    if ciphers:
        context.set_ciphers(":".join(ciphers) if isinstance(ciphers, (list, tuple)) else ciphers)
    return context


def open_url(
    url: str, data: Any = None, headers: Optional[Dict[str, str]] = None, method: Optional[str] = None, use_proxy: bool = True,
    force: bool = False, last_mod_time: Any = None, timeout: float = 10, validate_certs: bool = True, url_username: Optional[str] = None,
    url_password: Optional[str] = None, http_agent: Optional[str] = None, force_basic_auth: bool = False, follow_redirects: Any = "urllib2",
    client_cert: Optional[str] = None, client_key: Optional[str] = None, cookies: Any = None, use_gssapi: bool = False,
    unix_socket: Optional[str] = None, ca_path: Optional[str] = None, unredirected_headers: Any = None, decompress: bool = True,
    ciphers: Any = None, use_netrc: bool = True,
) -> Any:  # fmt: skip
    """The open answer. Raises urllib.error.HTTPError for codes of 400 and more, URLError and OSError."""
    if unix_socket or use_gssapi:
        raise NotImplementedError("unix_socket and use_gssapi are not supported here")
    parts = urlparse(url)
    user, password = url_username, url_password
    if parts.username and user is None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    wanted = {"Accept-encoding": "gzip"} if decompress else {}
    if http_agent:
        wanted["User-agent"] = http_agent
    if force:
        wanted["cache-control"] = "no-cache"
    elif last_mod_time:
        wanted["If-Modified-Since"] = last_mod_time.strftime("%a, %d %b %Y %H:%M:%S GMT")
    handlers: Any = [
        urllib.request.HTTPSHandler(context=_context(validate_certs, ca_path, client_cert, client_key, ciphers)),
        _Redirects(follow_redirects),
    ]
    if not use_proxy:
        handlers.append(urllib.request.ProxyHandler({}))
    if cookies is not None:
        handlers.append(urllib.request.HTTPCookieProcessor(cookies))
    if user and force_basic_auth:
        wanted["Authorization"] = basic_auth_header(user, password).decode()
    elif user:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    wanted.update(headers or {})
    body = None if data is None else to_bytes(data, nonstring="passthru")
    request = urllib.request.Request(url, data=body, headers=wanted, method=method.upper() if method else None)
    answer = urllib.request.build_opener(*handlers).open(request, None, timeout)
    return _plain(answer) if decompress else answer


def _plain(answer: Any) -> Any:
    if (answer.headers.get("content-encoding") or "").lower() == "gzip":
        import gzip

        answer.fp = gzip.GzipFile(fileobj=answer.fp)
        answer.length = None
        del answer.headers["content-encoding"], answer.headers["content-length"]
        answer.read = answer.fp.read
    return answer


class Request:
    """open_url with settings that hold for all requests."""

    def __init__(self, headers: Optional[Dict[str, str]] = None, **options: Any) -> None:
        self.headers = headers or {}
        self.options = options

    def open(self, method: str, url: str, data: Any = None, headers: Optional[Dict[str, str]] = None, **options: Any) -> Any:
        given = {key: value for key, value in options.items() if value is not None}
        return open_url(url, data=data, method=method, headers=dict(self.headers, **(headers or {})), **dict(self.options, **given))

    def get(self, url: str, **options: Any) -> Any:
        return self.open("GET", url, **options)

    def head(self, url: str, **options: Any) -> Any:
        return self.open("HEAD", url, **options)

    def post(self, url: str, data: Any = None, **options: Any) -> Any:
        return self.open("POST", url, data=data, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> Any:
        return self.open("PUT", url, data=data, **options)

    def patch(self, url: str, data: Any = None, **options: Any) -> Any:
        return self.open("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> Any:
        return self.open("DELETE", url, **options)


def fetch_url(
    module: Any, url: str, data: Any = None, headers: Optional[Dict[str, str]] = None, method: Optional[str] = None,
    use_proxy: Optional[bool] = None, force: bool = False, last_mod_time: Any = None, timeout: float = 10, use_gssapi: bool = False,
    unix_socket: Optional[str] = None, ca_path: Optional[str] = None, cookies: Any = None, unredirected_headers: Any = None,
    decompress: bool = True, ciphers: Any = None, use_netrc: bool = True,
) -> Tuple[Any, Dict[str, Any]]:  # fmt: skip
    """(answer or None, facts about it: status, msg, url, headers in small letters, body of an error). Settings come from module.params."""
    given = module.params
    jar = cookies if cookies is not None else http.cookiejar.CookieJar()
    info: Dict[str, Any] = {"url": url, "status": -1}
    try:
        answer = open_url(
            url, data=data, headers=headers, method=method, use_proxy=given.get("use_proxy", True) if use_proxy is None else use_proxy,
            force=force, last_mod_time=last_mod_time, timeout=timeout, validate_certs=given.get("validate_certs", True) is not False,
            url_username=given.get("url_username"), url_password=given.get("url_password"), http_agent=given.get("http_agent") or "ansible-httpget",
            force_basic_auth=bool(given.get("force_basic_auth")), follow_redirects=given.get("follow_redirects") or "urllib2",
            client_cert=given.get("client_cert"), client_key=given.get("client_key"), cookies=jar, use_gssapi=use_gssapi,
            unix_socket=unix_socket, ca_path=ca_path, decompress=decompress, ciphers=ciphers,
        )  # fmt: skip
        info.update((key.lower(), value) for key, value in answer.headers.items())
        kept = {cookie.name: cookie.value for cookie in jar}
        info.update(cookies=kept, cookies_string="; ".join("%s=%s" % pair for pair in kept.items()))
        length = answer.headers.get("content-length", "unknown")
        info.update(msg="OK (%s bytes)" % length, url=answer.geturl(), status=answer.code)
        return answer, info
    except urllib.error.HTTPError as error:
        body = error.read() if error.fp is not None else b""
        info.update((key.lower(), value) for key, value in (error.headers or {}).items())
        info.update(msg=to_native(error), body=body, status=error.code)
        return None, info
    except (ConnectionError, NotImplementedError, ValueError) as error:
        module.fail_json(msg=to_native(error), **info)
    except urllib.error.URLError as error:
        info.update(msg="Request failed: %s" % to_native(error), status=int(getattr(error, "code", -1)))
    except OSError as error:
        info.update(msg="Connection failure: %s" % to_native(error))
    return None, info


def fetch_file(
    module: Any, url: str, data: Any = None, headers: Any = None, method: Optional[str] = None, use_proxy: bool = True, force: bool = False,
    last_mod_time: Any = None, timeout: float = 10, **_: Any
) -> str:  # fmt: skip
    """The path of a temporary file with what is at the address; the module fails when it can't be had."""
    stem, suffix = os.path.splitext(os.path.basename(urlparse(url).path))
    handle, path = tempfile.mkstemp(dir=module.tmpdir, prefix=stem, suffix=suffix)
    answer, info = fetch_url(module, url, data, headers, method, use_proxy, force, last_mod_time, timeout)
    if answer is None:
        os.close(handle)
        module.fail_json(msg="Failure downloading %s, %s" % (url, info["msg"]))
    with os.fdopen(handle, "wb") as file:
        for chunk in iter(lambda: answer.read(CHUNK_BYTES), b""):
            file.write(chunk)
    return path
