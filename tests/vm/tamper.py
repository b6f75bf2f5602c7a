#!/usr/bin/env python3
"""A man in the middle for the VM tests: passes HTTP on to the real server and spoils the plan in one way.

    tamper.py LISTEN_PORT SERVER_PORT MODE [ARGUMENT]

    pass            nothing
    flip            one bit of the sealed plan
    keep FILE       keeps the sealed plan in FILE and tells the node that the server is busy
    replay FILE     gives the plan that was kept in FILE
    other MAC       asks in the name of another machine
    nonce           asks with a nonce of its own
"""
import http.server
import json
import sys
import urllib.error
import urllib.request

LISTEN, SERVER, MODE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ARGUMENT = sys.argv[4] if len(sys.argv) > 4 else ""


def spoil_request(body):
    request = json.loads(body)
    if MODE == "other":
        request["mac"] = ARGUMENT
    if MODE == "nonce":
        request["nonce"] = "00" * 32
    return json.dumps(request).encode()


def spoil_answer(body):
    if MODE == "flip":
        at = len(body) // 2
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
    if MODE == "replay":
        with open(ARGUMENT, "rb") as f:
            return f.read()
    if MODE == "keep":
        with open(ARGUMENT, "wb") as f:
            f.write(body)
    return body


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_plan = self.path == "/v1/plan"
        if is_plan:
            body = spoil_request(body)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length", "connection", "expect")}
        request = urllib.request.Request(f"http://127.0.0.1:{SERVER}{self.path}", data=body if self.command == "POST" else None,
                                         headers=headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, kind, data = answer.status, answer.headers.get("Content-Type", "text/plain"), answer.read()
        except urllib.error.HTTPError as e:
            status, kind, data = e.code, e.headers.get("Content-Type", "text/plain"), e.read()
        if is_plan and status == 200:
            data = spoil_answer(data)
            if MODE == "keep":
                status, kind, data = 503, "text/plain", b"busy\n"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = forward

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", LISTEN), Proxy).serve_forever()
