"""A site with a server on loopback and nodes that are none: what `lucie` verbs and the node's protocol do to it, as tests/server does in
shell. Nodes have a real plan and token (sim-nodes --plan-only) and report what the test wants them to."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from request_code import authorization

LUCIE = os.path.join(TOP, "out/host/bin/lucie")
SIM = os.path.join(TOP, "out/host/bin/sim-nodes")
MODULES = ["init", "partition", "mount", "extrbase"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Site:
    def __init__(self, racks, nodes_per_rack, web_access=None):
        self.folder = tempfile.mkdtemp(prefix="lucie-board.")
        self.state = os.path.join(self.folder, "state")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.racks, self.per_rack, self.web_access = racks, nodes_per_rack, web_access
        self.names = [f"cnode{i:03d}" for i in range(racks * nodes_per_rack)]
        self.server = None
        self._images()
        self.setup()
        base = os.path.join(self.folder, "base")
        os.makedirs(base + "/sbin")
        open(base + "/sbin/init", "w").close()
        subprocess.run(["tar", "-C", base, "-czf", base + ".tar.gz", "."], check=True)
        self.lucie("base", "add", "default", base + ".tar.gz")

    def _images(self):
        boot = os.path.join(self.folder, "images/test/boot")
        os.makedirs(boot)
        for name in ("../vmlinuz", "../initramfs.img", "lpxelinux.0", "ldlinux.c32"):
            with open(os.path.join(boot, name), "w") as f:
                f.write(name)

    def mac(self, index):
        return f"52:54:00:01:{index >> 8:02x}:{index & 255:02x}"

    def definition(self):
        access = f"web_access {self.web_access}\n" if self.web_access else ""
        yield (f"define lucie_group{{\nname site\nsubnet 255.255.0.0\ndomain_name example.test\ngateway 10.9.255.254\nlucie_server server\n"
               f"server_address 127.0.0.1\nhttp_port {self.port}\nboard test\ninstaller test\n"
               f"discover_range 10.9.200.1-10.9.200.99\n{access}}}\n"
               f"define installer{{\nname test\nmodules {', '.join(MODULES)}\n}}\n")
        for i, name in enumerate(self.names):
            yield (f"define host{{\nhost_name {name}\nlucie_group site\naddress 10.9.{i // 250}.{i % 250 + 1}\n"
                   f"mac_address {self.mac(i)}\n}}\n")
        for r in range(self.racks):
            first = r * self.per_rack
            yield f"define host_group{{\nhostgroup_name rack{r + 1}\nmembers cnode[{first:03d}-{first + self.per_rack - 1:03d}]\n}}\n"

    def setup(self):
        conf = os.path.join(self.folder, "cluster.conf")
        with open(conf, "w") as f:
            f.writelines(self.definition())
        self.lucie("setup", "--conf", conf, "--images", os.path.join(self.folder, "images"))

    def lucie(self, verb, *arguments):
        done = subprocess.run([LUCIE, verb, "--state", self.state, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"lucie {verb}: {done.stdout}{done.stderr}")
        return done.stdout

    def serve(self):
        self.log = open(os.path.join(self.folder, "serve.log"), "a")
        self.server = subprocess.Popen([LUCIE, "serve", "--state", self.state, "--no-dhcp", "--bind", "127.0.0.1"],
                                       stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(200):
            with socket.socket() as s:
                if not s.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not come up within 20 s")

    def stop(self):
        if self.server:
            self.server.terminate()
            assert self.server.wait(20) == 0, "the server's exit code after SIGTERM"
            self.server = None

    def close(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def said(self):
        with open(os.path.join(self.folder, "serve.log")) as f:
            return f.read()

    def status(self, node):
        return json.loads(self.lucie("status", "--json", node))[0]

    def node(self, index):
        return Node(self, index)

    def request(self, path, body=None, token=None, method=None, code=None):
        """The status and the text of the answer; token: the operator's, code: what a node proves itself with."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        if token or code:
            request.add_header("Authorization", code or "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


class Node:
    """An installation of an armed node, from its plan on."""

    def __init__(self, site, index):
        self.site, self.index, self.name, self.seq = site, index, site.names[index], 0
        plan = subprocess.run([SIM, "--server", site.url, "--site-key", site.state + "/key/site.pub", "--mac", site.mac(index),
                               "--plan-only"], capture_output=True, text=True)
        assert not plan.returncode, f"{self.name} got no plan: {plan.stdout}{plan.stderr}"
        head = dict(line.split(" ", 1) for line in plan.stdout.splitlines() if line.startswith(("install ", "token ")))
        self.install, self.token = head["install"], head["token"]

    def event(self, kind, module="", **more):
        self.seq += 1
        return json.dumps(dict(more, kind=kind, install=self.install, seq=self.seq, mac=self.site.mac(self.index), t=self.seq * 100,
                               module=module))

    def report(self, *events):
        body = "".join(e + "\n" for e in events).encode()
        status, text = self.site.request("/v1/events", body, code=authorization(self.token, "/v1/events", body))
        assert status == 200 and json.loads(text)["ack"] == self.seq, f"events of {self.name}: {status} {text}"

    def start(self, module):
        return self.event("start", module)

    def done(self, module, millis=1500):
        return self.event("end", module, ok=True, millis=millis, message="")

    def progress(self, module, done, total, message=""):
        return self.event("progress", module, bytes=done, total=total, message=message)

    def log(self, module, text, level="info"):
        return self.event("log", module, level=level, message=text)

    def ends(self, ok=True, module="", message=""):
        return self.event("report", module, ok=ok, message=message)

    def until(self, module):
        """Events of an installation that has begun `module`."""
        events = [self.start("")]
        for m in MODULES[:MODULES.index(module)]:
            events += [self.start(m), self.done(m)]
        return events + [self.start(module)]
