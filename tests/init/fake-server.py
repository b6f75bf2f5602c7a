#!/usr/bin/python3
"""A plan server that lies on request: the protocol of docs/plan-format.md for tests of PID 1 alone.

usage: fake-server.py ADDRESS PORT DIR [MODE]

DIR/plan.body is the plan after its head (sections, modules, on_failure ...); the head is made here. DIR/site.pub is written, and the plan as
a file for lucie.plan=, DIR/plan.signed; events go to DIR/events, alarms to DIR/alarms, one JSON line each. MODE says what is wrong with the
plan or with the server.
"""
import ctypes
import http.server
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import request_code

sodium = ctypes.CDLL("libsodium.so.23")
assert sodium.sodium_init() >= 0

ADDRESS, PORT, DIR = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MODE = sys.argv[4] if len(sys.argv) > 4 else "good"
TOKEN = "ab" * 32


def keypair():
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
    sodium.crypto_sign_keypair(public, secret)
    return public.raw, secret.raw


def sign(text, secret):
    signature = ctypes.create_string_buffer(64)
    message = b"lucie-plan-signature-1\n" + text
    sodium.crypto_sign_detached(signature, None, message, ctypes.c_ulonglong(len(message)), secret)
    return signature.raw


def seal(data, key):
    out = ctypes.create_string_buffer(len(data) + 48)
    assert sodium.crypto_box_seal(out, data, ctypes.c_ulonglong(len(data)), key) == 0
    return out.raw


PUBLIC, SECRET = keypair()
OTHER_PUBLIC, OTHER_SECRET = keypair()
def self_address():
    """What the node reaches this server by: loopback is 10.0.2.2 for a machine of QEMU."""
    return os.environ.get("SEEN_AS", f"{ADDRESS}:{PORT}")


def plan_text(request):
    nonce = "00" * 32 if MODE == "other-nonce" else request["nonce"]
    mac = "52:54:00:ff:ff:ff" if MODE == "other-node" else request["mac"]
    site = "0123456789abcdef" if MODE == "other-site" else request_code.blake3(PUBLIC)[:8].hex()
    server = "" if MODE == "no-server" else f"server http://{self_address()}\n"
    head = f"""lucie-plan 1
site {site}
node tnode
mac {mac}
install test-1
variant full
nonce {nonce}
token {TOKEN}
{server}time {int(time.time())}
"""
    if MODE == "not-a-plan":
        head = "hello\n"
    return (head + open(DIR + "/plan.body").read()).encode()


def sealed_plan(request):
    text = plan_text(request)
    key = bytes.fromhex(request["key"])
    if MODE == "other-boot":
        key = ctypes.create_string_buffer(32)
        sodium.crypto_box_keypair(key, ctypes.create_string_buffer(32))
        key = key.raw
    data = sign(text, OTHER_SECRET if MODE == "other-key" else SECRET) + text
    data = bytearray(seal(data, key))
    if MODE == "altered":
        data[len(data) // 2] ^= 1
    return bytes(data[:40] if MODE == "cut" else data)


def signed_file():
    text = plan_text({"nonce": "00" * 32, "mac": "52:54:00:12:34:56"})
    data = bytearray(sign(text, OTHER_SECRET if MODE == "other-key" else SECRET) + text)
    if MODE == "altered":
        data[-2] ^= 1
    return bytes(data)


with open(DIR + "/plan.signed", "wb") as f:
    f.write(signed_file())


with open(DIR + "/site.pub", "w") as f:
    f.write(PUBLIC.hex() + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    forged = 0

    def answer(self, status, body, kind="text/plain", code=None):
        """code: what it is proven with."""
        self.send_response(status)
        if code:
            self.send_header("Lucie-Code", code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keep(self, name, data):
        with open(DIR + "/" + name, "ab") as out:
            out.write(data if data.endswith(b"\n") else data + b"\n")

    def prove(self, request, body, kind):
        """An answer to who has proven to know the token."""
        code = self.code_of(request)
        self.answer(200, body, kind, request_code.answer_code(TOKEN, code, 200, body))

    def code_of(self, request):
        code = request_code.request_code(TOKEN, self.path, request)
        assert self.headers["Authorization"] == "Lucie " + code, "the request's code is wrong"
        return code

    def forge(self, request):
        """Who is in between acknowledges what has not come: without a code, with that of another answer, with those of another request and token."""
        text = b'{"ack": 1000000}'
        code = self.code_of(request)
        codes = (None, "0" * 64, request_code.answer_code(TOKEN, code, 200, b'{"ack": 1}'), request_code.answer_code(TOKEN, code, 500, text),
                 request_code.answer_code(TOKEN, request_code.request_code(TOKEN, self.path, request + b"\n"), 200, text),
                 request_code.answer_code("cd" * 32, code, 200, text))
        if Handler.forged == len(codes):
            return False
        Handler.forged += 1
        self.answer(200, text, "application/json", codes[Handler.forged - 1])
        return True

    def asked(self):
        """How often a plan was asked for, with this time."""
        self.keep("asked", b".")
        return len(open(DIR + "/asked").readlines())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert TOKEN not in str(self.headers) and TOKEN.encode() not in body, "the token is on the wire"
        if self.path == "/v1/alarm":
            self.keep("alarms", body)
            self.answer(200, b"")
        elif self.path == "/v1/plan" and MODE == "refuse":
            self.answer(403, b"this machine is not armed\n")
        elif self.path == "/v1/plan" and MODE == "name-later" and self.asked() < 3:
            self.answer(404, b"no host has this address\n")
        elif self.path == "/v1/plan":
            request = json.loads(body)
            self.keep("requests", body)
            self.answer(200, sealed_plan(request), "application/octet-stream")
        elif self.path == "/v1/events" and MODE == "deaf":
            self.answer(500, b"no\n")
        elif self.path == "/v1/events" and MODE == "forged" and b'"report"' in body and self.forge(body):
            pass
        elif self.path == "/v1/events":
            last = json.loads(body.splitlines()[-1])["seq"]
            self.code_of(body)
            self.keep("events", body)
            self.prove(body, json.dumps({"ack": last}).encode(), "application/json")
        elif self.path == "/v1/hold":
            self.code_of(body)
            self.prove(body, self.hold_answer(json.loads(body)), "application/octet-stream")
        else:
            self.answer(404, b"no such thing\n")

    def hold_answer(self, request):
        """What lets a node go on: at the second time, or something that must not."""
        self.keep("holds", json.dumps(request).encode())
        asked = len(open(DIR + "/holds").readlines())
        if asked < 2:
            return b""
        module, nonce, install, key = request["module"], request["nonce"], request["install"], SECRET
        if MODE == "go-wrong":
            key = OTHER_SECRET if asked == 2 else SECRET
            module = "init" if asked == 3 else module
            install = "test-2" if asked == 4 else install
            nonce = "00" * 32 if asked == 5 else nonce
        text = f"lucie-plan 1\ninstall {install}\ncontinue {module}\nnonce {nonce}\n".encode()
        return sign(text, key) + text

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer((ADDRESS, PORT), Handler).serve_forever()
