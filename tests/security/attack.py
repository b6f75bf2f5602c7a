#!/usr/bin/env python3
"""What strangers and compromised nodes send to the server: attack.py PORT CASE [ARGUMENT...]. Each attack says what it must get back; exit 1 with the
case's name where the server did something else. Everything is bounded: no answer within 10 s is a failure."""
import json, os, socket, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from request_code import authorization

PORT = int(sys.argv[1])
LIMIT = 10


def connect(source="127.0.0.1"):
    s = socket.socket()
    s.settimeout(LIMIT)
    s.bind((source, 0))
    s.connect(("127.0.0.1", PORT))
    return s


def exchange(data, source="127.0.0.1"):
    """Everything that comes back until the server closes the connection, or is silent: 10 s before its answer, 2 s after it has begun."""
    s = connect(source)
    answer = b""
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it did not want to hear the rest
    try:
        while len(answer) < 1 << 22 and (block := s.recv(65536)):
            answer += block
            s.settimeout(2)
    except (socket.timeout, ConnectionResetError):
        pass
    s.close()
    return answer


def status(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0


def fail(what, answer=b""):
    sys.exit(f"{what}: {answer[:300]!r}")


def expect(what, data, allowed):
    """allowed: statuses; 0 is a connection closed without an answer."""
    answer = exchange(data)
    if status(answer) not in allowed:
        fail(f"{what}, expected {sorted(allowed)}", answer)
    if b"PRIVATE" in answer:
        fail(f"{what}: something private came back", answer)
    return answer


def get(path, headers=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode("latin-1")


def post(path, body, proof=None, length=None):
    """proof: what follows "Authorization:"."""
    body = body if isinstance(body, bytes) else body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body) if length is None else length}\r\n"
    if proof is not None:
        head += f"Authorization: {proof}\r\n"
    return head.encode() + b"\r\n" + body


def event(install, seq, kind="log", **more):
    e = {"kind": kind, "install": install, "seq": seq, "mac": "52:54:00:00:01:01", "t": 1, "module": ""}
    if kind == "log":
        e |= {"level": "info", "message": "x"}
    if kind == "report":
        e |= {"ok": True, "message": ""}
    return json.dumps(e | more) + "\n"


def paths():
    up = ["..", "%2e%2e", "%2E.", "%252e%252e", "..%00", "..;", "..%5c", "%c0%ae%c0%ae", ".%2e"]
    for prefix in ("/boot", "/blob", "/packages/local", "/packages", ""):
        for u in up:
            for rest in ("key/site.key", "state.db", "../../../../../../../../etc/passwd"):
                for sep in ("/", "%2f", "//", "%5c"):
                    expect("path", get(f"{prefix}/{u}{sep}{rest}"), {400, 404})
    for p in ("/key/site.key", "//etc/passwd", "/boot//etc/passwd", "/boot/%2fetc/passwd", "/boot/x%00/../../key/site.key", "/packages/local/leak", "/boot/.",
              "/blob/" + "0" * 64 + "/../../key/site.key", "http://x/boot/../key/site.key", "/boot/" + "a/" * 3000, "/" + "%2e%2e%2f" * 1000, "*", "/boot/dev/stdin",
              "/packages/local/./../key/site.key", "/boot/pxelinux.cfg/../../key/site.key", "/boot/site.img\x01"):
        expect("path " + p[:40], get(p), {400, 404, 405, 414, 431, 0})


def headers():
    expect("one header of 10 MB", get("/x", "X: " + "a" * 10_000_000 + "\r\n"), {400, 413, 414, 431, 494, 0})
    expect("10 MB of headers", get("/x", "".join(f"X-{i}: {'a' * 90}\r\n" for i in range(100_000))), {400, 413, 431, 494, 0})
    expect("a path of 10 MB", get("/" + "a" * 10_000_000), {400, 413, 414, 431, 0})
    for line in (b"GET", b"GET /x", b"\0\0\0\0", b"GET /x HTTP/9.9", b"GET /x HTTP/1.1\0", b"BREW /x HTTP/1.1", b"GET  /x  HTTP/1.1", b"\xff" * 1000, b"PRI * HTTP/2.0"):
        expect("first line", line + b"\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404, 405, 414, 426, 501, 505, 0})


def lengths():
    for length in ("-1", "99999999999999999999999", "18446744073709551616", "9223372036854775807", "5, 6", "0x10", "+5", "5 5", "", "1e3"):
        expect(f"Content-Length: {length}", post("/v1/events", "12345", length=length), {400, 401, 413, 0})
    expect("two lengths", b"POST /v1/alarm HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\nConnection: close\r\n\r\n12345", {400, 0})
    for body in ("ZZZ\r\nabc\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFFFF\r\nabc\r\n", "-5\r\nabc\r\n0\r\n\r\n", "5\r\nabcdefgh\r\n0\r\n\r\n", "3;" + "x" * 100_000 + "\r\nabc\r\n", "\r\n\r\n\r\n"):
        expect("chunks " + body[:10], ("POST /v1/alarm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + body).encode(), {400, 413, 500, 0})
    for te in ("chunked", "chunked, identity", "xchunked", " chunked", "identity, chunked"):
        answer = exchange(f"POST /v1/alarm HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {te}\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX".encode()
                          + b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        if b"lucie_hosts" in answer and answer.count(b"HTTP/1.1 ") > 2:
            fail("a request in the body of another one", answer)


def ranges(root):
    size = len(expect("a blob", get(f"/blob/{root}"), {200}).split(b"\r\n\r\n", 1)[1])
    for r in ("bytes=" + ",".join(f"{i}-{i}" for i in range(1000)), "bytes=0-0,0-,0-", "bytes=18446744073709551615-", "bytes=0-18446744073709551616", "bytes=5-2", "bytes=-0",
              "bytes=--1", "bytes=-99999999999999999999", "bytes=9223372036854775807-9223372036854775808", "bytes=0-1\0", "lines=1-2", "bytes=" + "9" * 5000):
        answer = expect(f"Range: {r[:40]}", get(f"/blob/{root}", f"Range: {r}\r\n"), {200, 206, 400, 416, 431})
        if len(answer) > size + 2000:
            fail(f"Range: {r[:40]} gave more than the file")


def bodies():
    deep = "[" * 30_000 + "]" * 30_000
    bad = ["", "{", "null", "[]", "nonsense", '{"mac": 5}', deep, '{"mac": ' + deep + "}", '{"mac": 1e999}', '{"ram": 99999999999999999999999999}', b'{"mac": "\xff\xfe"}',
           b"\0" * 1000, '{"mac": "\\u0000"}', '{"mac": "x", "mac": "y"}', '"' + "a" * 60_000]
    for body in bad:
        expect("plan request", post("/v1/plan", body), {400, 413})
        expect("alarm", post("/v1/alarm", body), {400, 413})
        expect("events", post("/v1/events", body, "Lucie " + "0" * 64), {400, 401, 413})
    expect("1 MiB of one event", post("/v1/events", "x" * (1 << 20), "Lucie " + "0" * 64), {400, 401})
    expect("more than 1 MiB", post("/v1/events", "x" * ((1 << 20) + 1), "Lucie " + "0" * 64), {413, 0})


def proven(path, body, token):
    return post(path, body, authorization(token, path, body.encode()))


def codes(install, own, other):
    path, body = "/v1/events", event(install, 1)
    right = authorization(own, path, body.encode())
    for proof in ("", "Lucie", "Lucie ", "Lucie " + "0" * 64, right[:-1], right + "0", right[:-2] + "zz", "Lucie %s", "Lucie " + "A" * 10_000, "Bearer " + own,
                  "Bearer " + right[6:], "Lucie " + own, right[6:], authorization(other, path, body.encode()), authorization("0" * 64, path, body.encode())):
        expect("a code that is not of the request: " + proof[:80], post(path, body, proof), {401})
    expect("no code", post(path, body), {401})
    for changed in (event(install, 2), event(install, 1, message="y"), event(install, 1, kind="report"), body[:-1], body + "\n", body + event(install, 2), " " + body):
        expect("a recorded request with another body", post(path, changed, right), {400, 401})
    expect("a code for another method", post(path, body, authorization(own, path, body.encode(), "GET")), {401})
    expect("another installation", proven(path, event("../../key", 1), own), {400, 401})


def hold(install, t):
    return json.dumps({"install": install, "module": "mount", "nonce": "00" * 32, "t": t})


def paths_of_codes(install, own):
    body = hold(install, 1)
    for made_for in ("/v1/events", "/v1/identity", "/v1/hold/", "/V1/HOLD", "v1/hold", ""):
        expect("a code for " + made_for, post("/v1/hold", body, authorization(own, made_for, body.encode())), {401})


def replays(install, own):
    for t, wanted in ((1, 200), (1, 403), (0, 403), (5, 200), (4, 403), (1, 403), (6, 200)):
        answer = expect(f"a hold asked at {t}", proven("/v1/hold", hold(install, t), own), {wanted})
        if b"\r\nLucie-Code: " not in answer:
            fail("an answer without a code", answer)


def own_events(install, own):
    for bad in (event(install, -1), event(install, 1 << 63), event(install, 1, kind="owned"), event(install, 1, message="x" * 5000), event(install, 1, message="\x1b[2J"),
                event(install, 1, root=True), event(install, 1, module="../../x"), event(install, 1) + "garbage\n"):
        expect("an event of its own that is not right", proven("/v1/events", bad, own), {400, 200})
    expect("1 MiB of right events", proven("/v1/events", "".join(event(install, i) for i in range(2, 6000)), own), {200, 400, 413})


def plans(mac):
    got = [status(exchange(post("/v1/plan", json.dumps({"mac": mac, "nonce": os.urandom(32).hex(), "key": "09" + "00" * 31, "inventory": {}})))) for _ in range(60)]
    if got.count(200) > 3 or set(got) - {200, 403, 500}:
        fail(f"60 plan requests of one machine: {got}")


def alarms():
    body = json.dumps({"mac": "52:54:00:00:01:01", "message": "forged \x1b[31m\n" * 20})
    for _ in range(400):
        expect("an alarm", post("/v1/alarm", body), {200})


def loris(seconds):
    """400 clients of 100 addresses that send a byte a second; the server must have ended all of them by the end."""
    clients = [connect(f"127.9.{i % 100}.1") for i in range(400)]
    for s in clients:
        s.setblocking(False)
    end = time.time() + float(seconds)
    alive = clients
    while alive and time.time() < end:
        time.sleep(1)
        still = []
        for s in alive:
            try:
                s.send(b"X")
                if s.recv(10) == b"":
                    continue
            except BlockingIOError:
                pass
            except OSError:
                continue
            still.append(s)
        alive = still
    if alive:
        fail(f"{len(alive)} slow clients are still connected after {seconds} s")


globals()[sys.argv[2]](*sys.argv[3:])
