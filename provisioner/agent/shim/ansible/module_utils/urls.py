"""HTTP for people's own modules, as the agent's modules speak it: open_url, fetch_url, fetch_file, Request."""

import base64
import calendar
import email.message
import http.cookiejar
import os
import tempfile
import time
import urllib.error
from typing import Any, Dict, Optional, Tuple
from urllib.parse import urlparse

from ansible.module_utils.common.text.converters import to_bytes, to_native
from provisioner.agent import multipart, web
from provisioner.agent.context import Context, ModuleFailed

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


def open_url(
    url: str, data: Any = None, headers: Optional[Dict[str, str]] = None, method: Optional[str] = None, use_proxy: bool = True,
    force: bool = False, last_mod_time: Any = None, timeout: float = 10, validate_certs: bool = True, url_username: Optional[str] = None,
    url_password: Optional[str] = None, http_agent: Optional[str] = None, force_basic_auth: bool = False, follow_redirects: Any = "urllib2",
    client_cert: Optional[str] = None, client_key: Optional[str] = None, cookies: Any = None, use_gssapi: bool = False,
    unix_socket: Optional[str] = None, ca_path: Optional[str] = None, unredirected_headers: Any = None, decompress: bool = True,
    ciphers: Any = None, use_netrc: bool = True,
) -> Any:  # fmt: skip
    """The open answer. Raises urllib.error.HTTPError for codes of 400 and more, URLError and OSError."""
    args = {
        "use_gssapi": use_gssapi, "url_username": url_username, "url_password": url_password, "force_basic_auth": force_basic_auth,
        "use_netrc": use_netrc, "http_agent": http_agent, "force": force, "use_proxy": use_proxy, "unix_socket": unix_socket,
        "ca_path": ca_path, "validate_certs": validate_certs, "client_cert": client_cert, "client_key": client_key,
        "ciphers": [ciphers] if isinstance(ciphers, str) else ciphers, "unredirected_headers": unredirected_headers, "timeout": timeout,
    }  # fmt: skip
    wanted = dict({"Accept-encoding": "gzip"} if decompress else {}, **(headers or {}))
    body = None if data is None else to_bytes(data, nonstring="passthru")
    since = calendar.timegm(last_mod_time.timetuple()) if last_mod_time else None
    how = method or ("GET" if body is None else "POST")
    try:
        answer = web.opened(args, url, how, body, wanted, since, str(follow_redirects), cookies)
    except ModuleFailed as error:
        raise ConnectionError(error.msg)
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
    except (ConnectionError, ValueError) as error:
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


def prepare_multipart(fields: Any) -> Tuple[str, bytes]:
    """(content type, body) of a form with files. Raises TypeError or ValueError for a field that can't be."""
    return multipart.encoded(fields, Context())


def get_response_filename(response: Any) -> Optional[str]:
    """The name that an answer gives what it holds."""
    return web.name_from_headers({key.lower(): value for key, value in response.headers.items()}) or web.file_name(response.geturl())


def parse_content_type(response: Any) -> Tuple[str, str, Optional[str]]:
    """(type, main type, subtype)"""
    told = email.message.Message()
    told["content-type"] = response.headers.get("content-type") or "application/octet-stream"
    kind = told.get_content_type()
    return kind, kind.split("/")[0], kind.split("/")[1]


def get_user_agent() -> str:
    return "ansible-httpget"


def rfc2822_date_string(timetuple: Any, zone: str = "-0000") -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S ", timetuple) + zone


def url_redirect_argument_spec() -> Dict[str, Any]:
    return dict(
        url_argument_spec(),
        follow_redirects={
            "type": "str",
            "default": "safe",
            "choices": ["all", "no", "none", "safe", "urllib2", "yes"],
        },
    )
