#!/usr/bin/env python3
"""mirror.py PORT FOLDER: a folder over HTTP with ranges, at about 20 MB/s, so that it can be killed in the middle of a file."""
import http.server
import os
import sys
import time

PIECE = 1 << 20
PAUSE = 0.05


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            size = os.path.getsize(self.path[1:])
            file = open(self.path[1:], "rb")
        except OSError:
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[len("bytes="):].split("-")[0])
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        with file:
            file.seek(start)
            while piece := file.read(PIECE):
                self.wfile.write(piece)
                time.sleep(PAUSE)

    def log_message(self, *_):
        pass


os.chdir(sys.argv[2])
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
