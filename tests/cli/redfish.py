#!/usr/bin/python3
"""A Redfish service with one system that is off, for tests/cli/power.sh. Its port is written to the file that is named as argument. A second
PATCH is refused, as some services do while the first setting is pending."""
import http.server
import json
import sys

SYSTEM = "/redfish/v1/Systems/System.Embedded.1"
power = {"state": "Off", "patched": 0}


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value, indent=2).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/redfish/v1/Systems":
            self.answer(200, {"@odata.id": "/redfish/v1/Systems", "Members": [{"@odata.id": SYSTEM}], "Members@odata.count": 1})
        elif self.path == SYSTEM:
            self.answer(200, {"@odata.id": SYSTEM, "Id": "1", "PowerState": power["state"], "Boot": {"BootSourceOverrideTarget": "None"}})
        else:
            self.answer(404, {})

    def change(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_POST(self):
        assert self.path == SYSTEM + "/Actions/ComputerSystem.Reset"
        power["state"] = {"On": "On", "ForceRestart": "On", "ForceOff": "Off"}[self.change()["ResetType"]]
        self.answer(204, {})

    def do_PATCH(self):
        assert self.path == SYSTEM
        boot = self.change()["Boot"]
        power["patched"] += 1
        right = boot == {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"} and power["patched"] == 1
        self.answer(200 if right else 409, {})

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1], "w") as f:
    f.write(str(server.server_address[1]))
server.serve_forever()
