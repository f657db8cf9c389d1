"""Stands before each node of OpenSearch, passes requests on, and refuses some where it is told to."""

import http.client
import http.server
import json
import threading
from random import Random

THROTTLED = {"type": "circuit_breaking_exception", "reason": "[parent] data too large (made up)"}
# What becomes of a document whose shard does not answer, and of one whose node's queue is full.
REFUSED = [(503, {"type": "unavailable_shards_exception", "reason": "primary shard is not active (made up)"}), (429, {"type": "rejected_execution_exception", "reason": "rejected execution (made up)"})]
REFUSED_SHARE = 0.3
PATIENCE_S = 60
PASSED_ON = ("content-type", "authorization", "accept")


class Node(http.server.ThreadingHTTPServer):
    """One node's address. `refuses` is None, "everything" or "some documents"."""

    daemon_threads = True

    def __init__(self, target):
        self.target, self.refuses, self.refused, self.random = target, None, 0, Random(1)
        super().__init__(("127.0.0.1", 0), Request)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass  # the client has gone

    def passed_on(self, method, path, headers, body):
        node = http.client.HTTPConnection(self.target, timeout=PATIENCE_S)
        try:
            node.request(method, path, body, headers)
            answer = node.getresponse()
            return answer.status, answer.getheader("content-type", "application/json"), answer.read()
        finally:
            node.close()

    def throttled(self):
        self.refused += 1
        return 429, "application/json", json.dumps({"error": THROTTLED, "status": 429}).encode()

    def bulk(self, path, headers, body):
        """A bulk of which some documents are refused, and the others passed on."""
        lines = body.splitlines(keepends=True)
        documents = [(json.loads(action), action + source) for action, source in zip(lines[::2], lines[1::2], strict=True)]
        refused = [self.random.choice(REFUSED) if self.random.random() < REFUSED_SHARE else None for _ in documents]
        taken = b"".join(text for (_, text), of in zip(documents, refused, strict=True) if not of)
        answer, items = {"took": 1}, iter(())
        if taken:
            status, kind, text = self.passed_on("POST", path, headers, taken)
            if status != 200:
                return status, kind, text
            answer = json.loads(text)
            items = iter(answer["items"])
        self.refused += sum(of is not None for of in refused)
        woven = [self.item(action, of) if of else next(items) for (action, _), of in zip(documents, refused, strict=True)]
        answer |= {"items": woven, "errors": answer.get("errors", False) or any(refused)}
        return 200, "application/json", json.dumps(answer).encode()

    def item(self, action, refused):
        [(operation, of)] = action.items()
        status, error = refused
        return {operation: {"_index": of.get("_index"), "_id": of.get("_id"), "status": status, "error": error}}


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        node, body = self.server, self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        is_bulk = self.path.split("?")[0].endswith("/_bulk")
        try:
            if node.refuses == "everything":
                status, kind, text = node.throttled()
            elif node.refuses == "some documents" and is_bulk:
                status, kind, text = node.bulk(self.path, headers, body)
            else:
                status, kind, text = node.passed_on(self.command, self.path, headers, body)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as the node does that is not there
            return
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def log_message(self, *_):
        pass
