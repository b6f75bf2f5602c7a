#!/usr/bin/env python3
"""The codes of requests and answers (init/lib/request-code.h), written down once more for the tests: nothing here is of the programs that they
test.

usage: request_code.py TOKEN PATH [METHOD]      the body on standard input; prints what follows "Authorization:"
"""
import struct
import sys

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
LANES = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED = 1, 2, 4, 8, 16
MASK = 0xFFFFFFFF


def compress(chain, block, counter, flags):
    """The first eight words of BLAKE3's compression of at most 64 bytes."""
    m = struct.unpack("<16I", block.ljust(64, b"\0"))
    v = [*chain, *IV[:4], counter & MASK, counter >> 32, len(block), flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(LANES):
            for word, r1, r2 in ((m[2 * i], 16, 12), (m[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & MASK
                x = v[d] ^ v[a]
                v[d] = (x >> r1 | x << (32 - r1)) & MASK
                v[c] = (v[c] + v[d]) & MASK
                x = v[b] ^ v[c]
                v[b] = (x >> r2 | x << (32 - r2)) & MASK
        m = [m[i] for i in ORDER]
    return [v[i] ^ v[i + 8] for i in range(8)]


def tree(key, data, counter, flags, root):
    """The chaining value of a subtree whose first chunk has this number."""
    if len(data) > 1024:
        left = 1024
        while 2 * left < len(data):
            left *= 2
        halves = tree(key, data[:left], counter, flags, 0) + tree(key, data[left:], counter + left // 1024, flags, 0)
        return compress(key, struct.pack("<16I", *halves), 0, flags | PARENT | root)
    blocks = [data[i:i + 64] for i in range(0, len(data), 64)] or [b""]
    chain = key
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        chain = compress(chain, block, counter, flags | (CHUNK_START if i == 0 else 0) | (CHUNK_END | root if last else 0))
    return chain


def blake3(data, key=None):
    words = struct.unpack("<8I", key) if key else IV
    return struct.pack("<8I", *tree(words, data, 0, KEYED if key else 0, ROOT))


def code(token, domain, *fields):
    data = domain + b"".join(struct.pack("<Q", len(f)) + f for f in fields)
    return blake3(data, blake3(bytes.fromhex(token)))


def request_code(token, path, body, method="POST"):
    return code(token, b"lucie-request-1\n", method.encode(), path.encode(), body).hex()


def answer_code(token, request, status, body):
    return code(token, b"lucie-answer-1\n", bytes.fromhex(request), str(status).encode(), body).hex()


def authorization(token, path, body, method="POST"):
    return "Lucie " + request_code(token, path, body, method)


if __name__ == "__main__":
    print(authorization(sys.argv[1], sys.argv[2], sys.stdin.buffer.read(), *sys.argv[3:]))
