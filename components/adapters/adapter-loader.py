"""Keeps a vLLM server's LoRA adapters at what a list says, while the server runs.

Runs as a sidecar in the server's own image (its Python, nothing else) and does four things:

- loads what is on the list and is not loaded (POST /v1/load_lora_adapter), again and again until it is;
- unloads what it has loaded and is no longer on the list, after a while and only when no request uses it;
- answers GET /ready, the pod's readiness probe. A server that has started is ready when it has every adapter of the
  list, and not before. One that had them all goes on being ready while it loads what comes onto the list later: a
  new version that cannot be loaded must not take down the pods that serve the others. It asks the server anew each
  time, so that a server that was restarted, and so has lost them, is not ready;
- writes a condition into its pod's status: which list it has loaded, or what the server said instead.

A list is {"revision": "...", "adapters": [{"name": "...", "source": "..."}]}. A source is a Hugging Face repository,
which the server itself downloads, or gs://bucket/path, which is downloaded here with the pod's Google identity.
"""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

POLL_SECONDS = 1
# From this many refusals on, the pod says that it failed; trying goes on.
FAILED_AFTER = 3
LONGEST_RETRY_SECONDS = 10
LOAD_TIMEOUT_SECONDS = 600


def log(text):
    print(text, flush=True)


class ServerGone(Exception):
    """The model server does not answer (yet, or any more): nothing that an adapter has done wrong."""


class Refused(Exception):
    """The server, or the store, said no; the message is its own."""


def message_of(body):
    """The words of an error in vLLM's, FastAPI's or Google's shape."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return body.strip()[:500]
    if not isinstance(parsed, dict):
        return body.strip()[:500]
    error = parsed.get("error", parsed)
    if isinstance(error, dict):
        return str(error.get("message") or error.get("detail") or body)[:500]
    return str(error)[:500]


def request(url, method="GET", body=None, headers=None, timeout=10, context=None):
    data = None if body is None else json.dumps(body).encode()
    # A pod never reaches its own server or the API server through a proxy.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    sent = urllib.request.Request(
        url, data=data, method=method, headers={"content-type": "application/json", **(headers or {})}
    )
    with opener.open(sent, timeout=timeout) as response:
        return response.read().decode()


class ModelServer:
    def __init__(self, base):
        self.base = base

    def _ask(self, path, method="GET", body=None, timeout=10):
        try:
            return request(self.base + path, method, body, timeout=timeout)
        except urllib.error.HTTPError as error:
            raise Refused(f"{error.code} {message_of(error.read().decode(errors='replace'))}") from error
        except (TimeoutError, socket.timeout) as error:
            raise TimeoutError(f"{path}: no answer for {timeout} s") from error
        except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, (TimeoutError, socket.timeout)):
                raise TimeoutError(f"{path}: no answer for {timeout} s") from error
            raise ServerGone(str(reason)) from error

    def loaded(self, timeout=10):
        """Names of the adapters that the server answers to."""
        cards = json.loads(self._ask("/v1/models", timeout=timeout)).get("data", [])
        return {card["id"] for card in cards if card.get("parent")}

    def load(self, name, path):
        body = {"lora_name": name, "lora_path": path}
        self._ask("/v1/load_lora_adapter", "POST", body, LOAD_TIMEOUT_SECONDS)

    def unload(self, name):
        self._ask("/v1/unload_lora_adapter", "POST", {"lora_name": name}, 60)

    def in_use(self):
        """Adapters of requests that run or wait: the newest vllm:lora_requests_info, whose value is its time."""
        newest, names = -1.0, set()
        for line in self._ask("/metrics").splitlines():
            found = re.match(r"vllm:lora_requests_info\{(.*)\}\s+(\S+)", line)
            if found is None or float(found[2]) < newest:
                continue
            newest = float(found[2])
            lists = re.findall(r'(?:running|waiting)_lora_adapters="([^"]*)"', found[1])
            names = {name for text in lists for name in text.split(",") if name}
        return names


class Bucket:
    """Folders of Google Cloud Storage, downloaded with the identity of the pod."""

    def __init__(self, folder, storage, metadata):
        self.folder, self.storage, self.metadata = folder, storage, metadata
        # What the bucket said of the files of a folder when they were downloaded.
        self.downloaded = {}
        self.doubted = set()

    def _token(self):
        path = "/computeMetadata/v1/instance/service-accounts/default/token"
        answer = request(self.metadata + path, headers={"metadata-flavor": "Google"})
        return json.loads(answer)["access_token"]

    def doubt(self, name):
        """The server refused what was downloaded: the bucket is asked whether it has something else by now."""
        self.doubted.add(name)

    def fetch(self, name, source):
        """Downloads once; a folder that is there is whole, because it gets its name last."""
        target = os.path.join(self.folder, name.replace("/", "_"))
        is_there = os.path.isdir(target)
        if is_there and name not in self.doubted:
            return target
        bucket, _, prefix = source[len("gs://") :].partition("/")
        prefix = prefix.rstrip("/") + "/"
        try:
            headers = {"authorization": "Bearer " + self._token()}
            items = self._list(bucket, prefix, headers)
            if not any(item["name"] == prefix + "adapter_config.json" for item in items):
                raise Refused(f"there is no adapter_config.json in {source}")
            listed = [[item["name"], item.get("size"), item.get("generation")] for item in items]
            if not (is_there and self.downloaded.get(name) == listed):
                self._replace(target, bucket, prefix, items, headers)
                self.downloaded[name] = listed
        except urllib.error.HTTPError as error:
            text = message_of(error.read().decode(errors="replace"))
            raise Refused(f"{source}: {error.code} {text}") from error
        except (OSError, urllib.error.URLError) as error:
            raise Refused(f"{source}: {getattr(error, 'reason', error)}") from error
        except (http.client.HTTPException, ValueError, KeyError) as error:
            raise Refused(f"{source}: {type(error).__name__}: {error}") from error
        self.doubted.discard(name)
        return target

    def _replace(self, target, bucket, prefix, items, headers):
        part = target + ".part"
        shutil.rmtree(part, ignore_errors=True)
        for item in items:
            self._download(bucket, item, os.path.join(part, item["name"][len(prefix) :]), headers)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(part, target)

    def _list(self, bucket, prefix, headers):
        items, page = [], ""
        while True:
            query = urllib.parse.urlencode({"prefix": prefix, "pageToken": page})
            url = f"{self.storage}/storage/v1/b/{bucket}/o?{query}"
            answer = json.loads(request(url, headers=headers, timeout=60))
            items += [item for item in answer.get("items", []) if not item["name"].endswith("/")]
            page = answer.get("nextPageToken", "")
            if not page:
                return items

    def _download(self, bucket, item, file, headers):
        name = item["name"]
        if ".." in name.split("/"):
            raise Refused(f"a file of that name is not taken: {name}")
        os.makedirs(os.path.dirname(file), exist_ok=True)
        url = f"{self.storage}/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media"
        sent = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(sent, timeout=60) as response, open(file, "wb") as out:
            shutil.copyfileobj(response, out, 1 << 20)
        # A connection that breaks ends a file like any other. What is stored compressed arrives larger than it is listed.
        size, got = item.get("size"), os.path.getsize(file)
        if size is not None and item.get("contentEncoding", "") == "" and got != int(size):
            raise Refused(f"{name}: {got} of {size} bytes arrived")


class PodStatus:
    """The condition by which this pod says what it has loaded."""

    def __init__(self, environment):
        self.condition_type = environment["ADAPTERS_CONDITION"]
        self.account = environment["LOADER_ACCOUNT"]
        host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
        host = f"[{host}]" if ":" in host else host
        pod = f"{environment['POD_NAMESPACE']}/pods/{environment['POD_NAME']}"
        self.url = f"https://{host}:{port}/api/v1/namespaces/{pod}/status"
        self.written = None

    def write(self, status, reason, message):
        said = (status, reason, message)
        if said == self.written:
            return
        condition = {
            "type": self.condition_type,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        try:
            # Read each time: the kubelet renews it.
            with open(os.path.join(self.account, "token"), encoding="utf-8") as file:
                token = file.read()
            request(
                self.url,
                "PATCH",
                {"status": {"conditions": [condition]}},
                {
                    "authorization": "Bearer " + token,
                    "content-type": "application/strategic-merge-patch+json",
                },
                context=ssl.create_default_context(cafile=os.path.join(self.account, "ca.crt")),
            )
            self.written = said
            log(f"{reason}: {message}")
        except urllib.error.HTTPError as error:
            log(f"the pod's status was not written: {error.code} {error.read().decode(errors='replace')[:300]}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            log(f"the pod's status was not written: {error}")


class Loader:
    def __init__(self, list_file, folder, server, bucket, unload_after):
        self.list_file, self.folder = list_file, folder
        self.server, self.bucket, self.unload_after = server, bucket, unload_after
        self.attempts, self.retry_at, self.errors = {}, {}, {}
        self.unlisted_since = {}
        self.was_whole = False
        self.last_list = None
        # Adapters that the server was started with are none of ours to unload.
        self.ours = set()
        # The list that the running server had whole; None: not since it started. Requests may ask for these.
        self.whole = None
        # Both outlive this program: the server, and what it has loaded, do too.
        self.record = os.path.join(folder, ".loaded.json")
        self.recorded = {"ours": [], "whole": None}
        self.unrecorded = ""
        self.lock = threading.Lock()
        try:
            with open(self.record, encoding="utf-8") as file:
                kept = json.load(file)
            self.ours = set(kept["ours"])
            self.whole = None if kept["whole"] is None else set(kept["whole"])
            self.recorded = kept
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def wanted(self):
        """The list; the one before where the present one cannot be read."""
        try:
            with open(self.list_file, encoding="utf-8") as file:
                parsed = json.load(file)
            adapters = {entry["name"]: entry["source"] for entry in parsed["adapters"]}
            self.last_list = (parsed["revision"], adapters)
        except (OSError, ValueError, KeyError, TypeError):
            if self.last_list is None:
                raise
        return self.last_list

    def _look(self, timeout):
        """What the server has, and what is missing of the list; remembers when it has, or has lost, all."""
        revision, wanted = self.wanted()
        try:
            loaded = self.server.loaded(timeout)
        except ServerGone:
            self._keep(whole=None)
            raise
        if set(wanted) <= loaded:
            self._keep(whole=set(wanted))
        elif self.whole is not None and not (self.whole & set(wanted)) <= loaded:
            self._keep(whole=None)
        return revision, wanted, loaded

    def missing_now(self):
        """For the probe. @returns what is missing, or why it is not known."""
        try:
            _, wanted, loaded = self._look(timeout=1)
            # What has come onto the list since the server had it whole is not asked for yet.
            required = set(wanted) if self.whole is None else set(wanted) & self.whole
            missing = sorted(required - loaded)
        except TimeoutError as error:
            # A busy server loses no adapter, and a hung one fails its own probe: what was true still is.
            return [] if self.was_whole else [str(error)]
        except (ServerGone, Refused, OSError, ValueError, KeyError, TypeError) as error:
            self.was_whole = False
            return [str(error)]
        self.was_whole = not missing
        return [self.errors.get(name, f"adapter {name} is not loaded") for name in missing]

    def step(self):
        """One look, and what follows from it. @returns status, reason and message of the pod's condition."""
        try:
            revision, _ = self.wanted()
        except (OSError, ValueError, KeyError, TypeError) as error:
            return "False", "Failed", f"the list of adapters cannot be read: {error}"
        try:
            revision, wanted, loaded = self._look(timeout=10)
            for name in sorted(set(wanted) - loaded):
                if self._load(name, wanted[name]):
                    loaded.add(name)
            self._unload(wanted, loaded)
        except (ServerGone, TimeoutError, ValueError) as error:
            self._forget(set())
            return "False", "Loading", f"revision {revision}: the model server does not answer: {error}"
        except Refused as error:
            return "False", "Loading", f"revision {revision}: {error}"
        missing = sorted(set(wanted) - loaded)
        self._forget(set(missing))
        if not missing:
            return "True", "Loaded", f"revision {revision}: {', '.join(sorted(wanted)) or 'no adapters'}"
        failed = any(self.attempts.get(name, 0) >= FAILED_AFTER for name in missing)
        texts = [self.errors.get(name, f"adapter {name} is not loaded yet") for name in missing]
        return "False", "Failed" if failed else "Loading", f"revision {revision}: {'; '.join(texts)}"[:3000]

    def _load(self, name, source):
        if time.monotonic() < self.retry_at.get(name, 0):
            return False
        try:
            self._keep(ours=self.ours | {name})
            stored = source.startswith("gs://")
            path = self.bucket.fetch(name, source) if stored else source
            try:
                self.server.load(name, path)
            except Refused:
                if stored:
                    self.bucket.doubt(name)
                raise
            return True
        except Refused as error:
            attempts = self.attempts.get(name, 0) + 1
            self.attempts[name] = attempts
            self.retry_at[name] = time.monotonic() + min(LONGEST_RETRY_SECONDS, 2 * attempts)
            self.errors[name] = f"adapter {name}: {error}"
            log(f"adapter {name} from {source} (attempt {attempts}): {error}")
            return False

    def _unload(self, wanted, loaded):
        now = time.monotonic()
        extra = (loaded & self.ours) - set(wanted)
        self.unlisted_since = {name: self.unlisted_since.get(name, now) for name in extra}
        due = {name for name, since in self.unlisted_since.items() if now - since >= self.unload_after}
        if not due:
            return
        for name in sorted(due - self.server.in_use()):
            try:
                self.server.unload(name)
                log(f"adapter {name}: unloaded")
            except Refused as error:
                log(f"adapter {name} was not unloaded: {error}")
                continue
            self._keep(ours=self.ours - {name})
            shutil.rmtree(os.path.join(self.folder, name.replace("/", "_")), ignore_errors=True)

    def _keep(self, **changes):
        with self.lock:
            for field, value in changes.items():
                setattr(self, field, value)
            kept = {"ours": sorted(self.ours), "whole": None if self.whole is None else sorted(self.whole)}
            if kept == self.recorded:
                return
            try:
                with open(self.record + ".new", "w", encoding="utf-8") as file:
                    json.dump(kept, file)
                os.replace(self.record + ".new", self.record)
                self.recorded = kept
            except OSError as error:
                # Only this program reads it, when it starts again: a full disk takes no pod down that serves.
                if str(error) != self.unrecorded:
                    log(f"what is loaded was not recorded: {error}")
                self.unrecorded = str(error)

    def _forget(self, missing):
        """What is loaded begins anew should it be lost: with its first attempt, and at once."""
        for book in (self.attempts, self.retry_at, self.errors):
            for name in set(book) - missing:
                del book[name]


def serve(loader, host, port):
    class Probe(BaseHTTPRequestHandler):
        def do_GET(self):
            missing = loader.missing_now() if self.path == "/ready" else ["there is only /ready"]
            body = "\n".join(missing or ["ready"]).encode()
            self.send_response(503 if missing else 200)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """A probe every second would fill the log."""

    server = ThreadingHTTPServer((host, port), Probe)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    environment = os.environ
    # As the first process of a container, nothing ends on SIGTERM by itself.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ip = environment["POD_IP"]
    shown = f"[{ip}]" if ":" in ip else ip
    server = ModelServer(f"http://{shown}:{environment['SERVER_PORT']}")
    folder = environment["ADAPTER_FOLDER"]
    bucket = Bucket(
        folder,
        environment.get("STORAGE_URL", "https://storage.googleapis.com"),
        environment.get("METADATA_URL", "http://metadata.google.internal"),
    )
    unload_after = float(environment.get("UNLOAD_AFTER_SECONDS", "30"))
    loader = Loader(environment["ADAPTER_LIST"], folder, server, bucket, unload_after)
    status = PodStatus(environment)
    serve(loader, ip, int(environment["LOADER_PORT"]))
    while True:
        status.write(*look(loader))
        time.sleep(POLL_SECONDS)


def look(loader):
    """A step, whatever happens: the probe ends with this program, and a pod that serves would leave its pool."""
    try:
        return loader.step()
    except Exception as error:  # pylint: disable=broad-except
        revision = "" if loader.last_list is None else f"revision {loader.last_list[0]}: "
        return "False", "Failed", f"{revision}the adapter loader: {type(error).__name__}: {error}"[:3000]


if __name__ == "__main__":
    sys.exit(main())
