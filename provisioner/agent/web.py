"""HTTP requests as get_url, uri and unarchive make them: redirects, credentials, certificates, proxies and cookies by Ansible's options.

An answer of any status is an answer; nobody there is an answer with the status -1. Bodies come as streams, so that large ones are not held.
"""

import base64
import gzip
import http.client
import http.cookiejar
import netrc
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, BinaryIO, Dict, List, Optional

from provisioner.agent.context import Context, ModuleFailed

# Arguments of every module that speaks HTTP.
URL_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "url": {},
    "force": {"type": "bool", "default": False},
    "http_agent": {"default": "ansible-httpget"},
    "use_proxy": {"type": "bool", "default": True},
    "validate_certs": {"type": "bool", "default": True},
    "url_username": {},
    "url_password": {"no_log": True},
    "force_basic_auth": {"type": "bool", "default": False},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "use_gssapi": {"type": "bool", "default": False},
    "use_netrc": {"type": "bool", "default": True},
    "unredirected_headers": {"type": "list", "elements": "str", "default": []},
    "decompress": {"type": "bool", "default": True},
    "ciphers": {"type": "list", "elements": "str"},
}
CHUNK_BYTES = 256 * 1024
_FOLLOW_ALL = ("all", "yes", "true", "True")
_FOLLOW_NONE = ("no", "none", "false", "False")
_FROM_HEADER = re.compile(r'filename="?([^";]+)"?', re.IGNORECASE)


class Answer:
    """`status` is -1 where nobody answered, None for what is no HTTP (file:). `headers` have lower-case names; equal ones are joined by a comma.
    `refused`: the status is one that urllib takes for an error."""

    def __init__(self, status: Optional[int], msg: str, url: str, headers: Dict[str, str], stream: Optional[BinaryIO]) -> None:
        self.status, self.msg, self.url, self.headers, self.stream = status, msg, url, headers, stream
        self.refused = False
        self.cookies: Dict[str, str] = {}
        self.cookies_string = ""

    def read(self) -> bytes:
        """The whole body. Raises ModuleFailed when the connection breaks."""
        try:
            return b"" if self.stream is None else self.stream.read()
        except (OSError, http.client.HTTPException) as error:
            raise ModuleFailed("An unknown error occurred while reading the answer: %s" % error, url=self.url, status=self.status)

    def close(self) -> None:
        """Ends the connection; headers stay readable."""
        if self.stream is not None:
            self.stream.close()

    def save(self, out: BinaryIO) -> None:
        """The body into a file, part by part."""
        while self.stream is not None:
            try:
                chunk = self.stream.read(CHUNK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise ModuleFailed("failed to create temporary content file: %s" % error)
            if not chunk:
                return
            out.write(chunk)


class _Unpacked(gzip.GzipFile):
    """Closes what it reads from, too."""

    def __init__(self, packed: Any) -> None:
        super().__init__(fileobj=packed)
        self._packed = packed

    def close(self) -> None:
        super().close()
        self._packed.close()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Whether and how a redirect is followed (Ansible's follow_redirects)."""

    def __init__(self, policy: str) -> None:
        self._policy = policy

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        method = req.get_method()
        if self._policy == "urllib2":
            return super().redirect_request(req, fp, code, msg, headers, newurl)
        if self._policy not in _FOLLOW_ALL and not (self._policy == "safe" and method in ("GET", "HEAD")):
            raise urllib.error.HTTPError(req.full_url, code, msg, headers, fp)
        data = req.data
        if code not in (307, 308):
            data = None
            # RFC 7231: after 303 one gets; what POST becomes after 301 and 302 is browsers' custom.
            if (code == 303 and method != "HEAD") or (code == 302 and method != "HEAD") or (code == 301 and method == "POST"):
                method = "GET"
        dropped = ("content-length", "content-type", "transfer-encoding") if data is None else ()
        kept = {key: value for key, value in req.headers.items() if key.lower() not in dropped}
        return urllib.request.Request(
            newurl.replace(" ", "%20"), data=data, headers=kept, origin_req_host=req.origin_req_host, unverifiable=True, method=method
        )

    # Python before 3.11 doesn't know this one.
    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


class _Basic(urllib.request.HTTPBasicAuthHandler):
    """Closes the refusal that it answers with credentials."""

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            answer = super().http_error_401(req, fp, code, msg, headers)
        except urllib.error.HTTPError:
            fp.close()
            raise
        if answer is not None:
            fp.close()
        return answer


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, **more: Any) -> None:
        super().__init__("localhost", **more)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if isinstance(self.timeout, (int, float)):
            self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError as error:
            raise OSError("Invalid Socket File (%s): %s" % (self._path, error))


class _UnixHandler(urllib.request.HTTPHandler):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, req: Any) -> Any:
        path = self._path

        def connection(host: str, **more: Any) -> _UnixConnection:
            return _UnixConnection(path, timeout=more.get("timeout"))

        return self.do_open(connection, req)


def ask(
    args: Dict[str, Any],
    context: Context,
    url: Optional[str] = None,
    method: str = "GET",
    data: Any = None,
    headers: Optional[Dict[str, str]] = None,
    modified_since: Optional[float] = None,
    follow: str = "urllib2",
) -> Answer:
    """One request with the options in `args`. Raises ModuleFailed only for options that can't be used."""
    jar = http.cookiejar.CookieJar()
    url = url if url is not None else args["url"]
    try:
        answered = opened(args, url, method, data, headers, modified_since, follow, jar)
    except urllib.error.HTTPError as error:
        answer = _answer(error, error.code, "HTTP Error %s: %s" % (error.code, error.reason), args)
        answer.refused = True
    except urllib.error.URLError as error:
        return Answer(-1, "Request failed: %s" % error, without_credentials(url), {}, None)
    except (ssl.CertificateError, ssl.SSLError) as error:
        return Answer(-1, "Request failed: %s" % error, without_credentials(url), {}, None)
    except OSError as error:
        return Answer(-1, "Connection failure: %s" % error, without_credentials(url), {}, None)
    except http.client.BadStatusLine as error:
        msg = "Connection failure: connection was closed before a valid response was received: %s" % error
        return Answer(-1, msg, without_credentials(url), {}, None)
    except ValueError as error:
        return Answer(-1, str(error), without_credentials(url), {}, None)
    except http.client.HTTPException as error:
        return Answer(-1, "An unknown error occurred: %s" % error, without_credentials(url), {}, None)
    else:
        answer = _answer(answered, answered.getcode(), "OK (%s bytes)" % answered.headers.get("Content-Length", "unknown"), args)
    # A jar gives cookies of longer paths first, as they are sent.
    for cookie in jar:
        answer.cookies[cookie.name] = cookie.value or ""
    answer.cookies_string = "; ".join("%s=%s" % pair for pair in answer.cookies.items())
    return answer


def opened(
    args: Dict[str, Any],
    url: str,
    method: str,
    data: Any = None,
    headers: Optional[Dict[str, str]] = None,
    modified_since: Optional[float] = None,
    follow: str = "urllib2",
    jar: Optional[http.cookiejar.CookieJar] = None,
) -> Any:
    """urllib's open answer, packed as it came. Raises what urllib raises, and ModuleFailed for options that can't be used."""
    if args.get("use_gssapi"):
        raise ModuleFailed("use_gssapi needs the gssapi library, which modules that run inside the agent don't have")
    url, user, password, at_once = _credentials(url, args)
    cookies = jar if jar is not None else http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(*_handlers(args, url, None if at_once else user, password, cookies, follow))
    opener.addheaders = []
    whole = _headers(args, headers or {}, user if at_once else None, password, modified_since)
    return opener.open(_request(url, data, method, whole, args), timeout=args.get("timeout") or 10)


def without_credentials(url: str) -> str:
    """An address as results may show it."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None or not parts.scheme.startswith("http"):
        return url
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _request(url: str, data: Any, method: str, headers: Dict[str, str], args: Dict[str, Any]) -> urllib.request.Request:
    request = urllib.request.Request(url, data=data, method=method.upper())
    kept_back = {name.lower() for name in args.get("unredirected_headers") or ()}
    for name, value in headers.items():
        if name.lower() in kept_back:
            request.add_unredirected_header(name, value)
        else:
            request.add_header(name, value)
    return request


def _answer(opened: Any, status: Optional[int], msg: str, args: Dict[str, Any]) -> Answer:
    headers: Dict[str, str] = {}
    for name, value in opened.headers.items():
        name = name.lower()
        headers[name] = "%s, %s" % (headers[name], value) if name in headers else value
    stream: Any = opened
    if args.get("decompress", True) and headers.get("content-encoding", "").lower() in ("gzip", "x-gzip"):
        stream = _Unpacked(opened)
    return Answer(status, msg, opened.geturl() or "", headers, stream)


def _credentials(url: str, args: Dict[str, Any]) -> Any:
    """(url without them, user, password, whether they are sent unasked), from the options, the address itself, or .netrc."""
    user, password = args.get("url_username"), args.get("url_password")
    at_once = bool(args.get("force_basic_auth"))
    parts = urllib.parse.urlsplit(url)
    if parts.scheme.startswith("http") and parts.username is not None and not user:
        user, password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        url, at_once = without_credentials(url), True
    elif not user and args.get("use_netrc", True):
        try:
            known = netrc.netrc(os.environ.get("NETRC")).authenticators(parts.hostname or "")
        except (OSError, netrc.NetrcParseError):
            known = None
        if known:
            user, password, at_once = known[0], known[2], True
    return url, user, password or "", at_once


def _headers(
    args: Dict[str, Any], given: Dict[str, str], user: Optional[str], password: str, modified_since: Optional[float]
) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    if args.get("http_agent"):
        headers["User-agent"] = args["http_agent"]
    if args.get("force"):
        headers["cache-control"] = "no-cache"
    elif modified_since is not None:
        headers["If-modified-since"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(modified_since))
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
    for name, value in given.items():
        for known in [key for key in headers if key.lower() == str(name).lower()]:
            del headers[known]
        headers[str(name)] = str(value)
    return headers


def _handlers(
    args: Dict[str, Any], url: str, user: Optional[str], password: str, jar: http.cookiejar.CookieJar, follow: str
) -> List[urllib.request.BaseHandler]:
    handlers: List[Any] = [_Redirects(follow), urllib.request.HTTPCookieProcessor(jar)]
    if not args.get("use_proxy", True):
        handlers.append(urllib.request.ProxyHandler({}))
    if user:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, url, user, password)
        handlers += [_Basic(passwords), urllib.request.HTTPDigestAuthHandler(passwords)]
    if args.get("unix_socket"):
        handlers.append(_UnixHandler(args["unix_socket"]))
    handlers.append(_TlsHandler(args))
    return handlers


class _TlsHandler(urllib.request.HTTPSHandler):
    """Reads the authorities' certificates when the first address needs them, or at once where the options name others."""

    def __init__(self, args: Dict[str, Any]) -> None:
        self._args = args
        own = any(args.get(name) for name in ("ca_path", "client_cert", "ciphers"))
        self._made: Optional[ssl.SSLContext] = tls(args) if own else None
        urllib.request.AbstractHTTPHandler.__init__(self)

    def https_open(self, req: urllib.request.Request) -> Any:
        if self._made is None:
            self._made = tls(self._args)
        return self.do_open(http.client.HTTPSConnection, req, context=self._made)


def tls(args: Dict[str, Any]) -> ssl.SSLContext:
    """Whom to believe, and who we are. Raises OSError for files that can't be used, ssl.SSLError for what they hold."""
    context = ssl.create_default_context()
    if args.get("ca_path"):
        place = {"capath": args["ca_path"]} if os.path.isdir(args["ca_path"]) else {"cafile": args["ca_path"]}
        context.load_verify_locations(**place)
    if not args.get("validate_certs", True):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if args.get("client_cert"):
        context.load_cert_chain(args["client_cert"], args.get("client_key"))
    if args.get("ciphers"):
        context.set_ciphers(":".join(args["ciphers"]))
    return context


def file_name(url: str) -> str:
    """The name that an address gives a file."""
    return os.path.basename(urllib.parse.urlsplit(url).path) or "index.html"


def name_from_headers(headers: Dict[str, str]) -> Optional[str]:
    """The file name that the server proposes (content-disposition), without folders."""
    found = _FROM_HEADER.search(headers.get("content-disposition", ""))
    return os.path.basename(found.group(1).strip()) or None if found else None
