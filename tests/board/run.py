#!/usr/bin/env python3
"""The board in a real browser, against a real server, with nodes that report: what is shown changes without a reload, what nodes say stays
text, and nothing is ordered without the operator's token. Loopback only."""
import http.client
import json
import re
import socket
import sys
import time
import urllib.error
import urllib.request

from cluster import Site
from devtools import Browser

EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
TOTAL = 1_000_000_000


def ok(words):
    print("ok:", words, flush=True)


def cell(name):
    return f"document.querySelector('[data-name={name}]')"


def is_state(name, state):
    return f"{cell(name)}?.classList.contains('{state}')"


def count_is(state, n):
    return f"document.querySelector('.chip.{state} b').textContent === '{n}'"


class Test:
    def __init__(self):
        self.site = Site(2, 4)
        self.browser = None

    def run(self):
        s, b = self.site, None
        s.serve()
        self.token = s.lucie("token").strip()
        self.browser = b = Browser()
        b.size(1280, 800)
        b.colours("light")
        b.open(s.url + "/")
        b.wait("document.querySelectorAll('.cell').length === 8", "eight cells")
        b.wait("document.getElementById('connection').textContent === 'live'")
        b.js("window.sameDocument = true")
        for step in (self.page, self.states, self.keys, self.locked, self.sign_in, self.log, self.discovered, self.orders, self.filter, self.theme,
                     self.definition, self.stream, self.restart, self.stalled, self.access, self.narrow, self.guesses):
            step(s, b)
        assert b.js("window.sameDocument"), "the page was loaded again"
        assert b.js("window.hacked") is None, "a node has run a script"
        problems = [p for p in b.problems if not re.search(r"40[13]|429|ERR_CONNECTION|ERR_INCOMPLETE", p)]
        assert not problems, problems

    def page(self, s, b):
        with urllib.request.urlopen(s.url + "/board") as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy, policy
            assert not re.search(r"(src|href)=\"(?!/board/)", answer.read().decode()), "the page wants something of elsewhere"
        assert b.js("[...document.querySelectorAll('.group h2')].map(h => h.firstChild.textContent).join()") == "rack1,rack2"
        b.wait(count_is("new", 8))
        assert b.js("[...document.querySelectorAll('button, input')].every(e => e.closest('dialog') || e.textContent || e.ariaLabel || e.labels?.length || e.hidden)")
        ok("the page, its policy, groups")

    def states(self, s, b):
        s.lucie("install", "cnode[000-002]")
        b.wait(is_state("cnode002", "armed"), "a cell that is armed")
        self.good, self.bad, self.evil = s.node(0), s.node(1), s.node(2)
        self.good.report(*self.good.until("extrbase"), self.good.progress("extrbase", TOTAL // 2, TOTAL, "fetching"))
        self.bad.report(*self.bad.until("mount"), self.bad.ends(False, "mount", "the journal is broken"))
        self.evil.report(*self.evil.until("extrbase"), self.evil.log("extrbase", EVIL), self.evil.progress("extrbase", TOTAL // 4, TOTAL, EVIL))
        b.wait(is_state("cnode000", "installing"))
        b.wait(f"{cell('cnode000')}.style.getPropertyValue('--done') === '50.0%'", "half of its bar")
        b.wait(f"/extrbase, 50 %/.test({cell('cnode000')}.ariaLabel)", "the share in words")
        b.wait(is_state("cnode001", "failed"))
        b.wait(f"/mount.*the journal is broken/.test({cell('cnode001')}.textContent)", "the cause")
        b.wait("/cnode001 failed/.test(document.getElementById('news').textContent)", "the announcement")
        b.wait(count_is("installing", 2) + "&&" + count_is("failed", 1) + "&&" + count_is("new", 5), "counts")
        b.wait("/1 failed, 2 installing/.test(document.title)", "counts in the title")
        self.good.report(self.good.done("extrbase"), self.good.ends())
        b.wait(is_state("cnode000", "installed") + "&&" + count_is("installed", 1))
        ok("cells change without a reload: armed, installing, failed, installed")

    def keys(self, s, b):
        b.js(cell("cnode000") + ".focus()")
        b.key("ArrowRight")
        b.key("ArrowRight")
        assert b.js("document.activeElement.dataset.name") == "cnode002"
        assert b.js("document.querySelectorAll('.cell[tabindex=\"0\"]').length") == 1
        b.key("ArrowDown")
        assert b.js("document.activeElement.dataset.name") == "cnode006"
        b.key("ArrowUp")
        b.key("Enter", "\r")
        b.wait("document.querySelector('#details h2')?.textContent === 'cnode002'", "details by the keyboard")
        b.key("Escape")
        b.wait("document.getElementById('details').hidden && document.activeElement.dataset.name === 'cnode002'", "Escape goes back to the cell")
        b.key("Enter", "\r")
        b.wait("document.querySelectorAll('#details .modules tr').length === 4", "modules")
        ok("keyboard: cells, details, back")

    def locked(self, s, b):
        b.wait("/operator.s token/.test(document.querySelector('#details .log').textContent)", "a log that is locked")
        assert s.mac(2) not in b.js("document.body.innerText"), "the address of a card without the token"
        for path in ("/v1/nodes/cnode002/log", "/v1/operator"):
            assert s.request(path)[0] == 401, path
        order = json.dumps({"action": "install", "nodes": ["cnode003"]}).encode()
        assert s.request("/v1/operator/arm", order)[0] == 401
        assert s.request("/v1/operator/arm", order, "0" * 64)[0] == 401
        assert s.request("/v1/operator/arm?token=" + self.token, order)[0] == 401
        assert s.status("cnode003")["installer"] is None, "a node was armed without the token"
        for path in ("/v1/board", "/v1/nodes/cnode002", "/v1/history"):
            code, text = s.request(path)
            assert code == 200 and "52:54" not in text and self.evil.token not in text, text
        assert s.request("/v1/nodes/nobody")[0] == 404
        ok("without the token: no log, no address, no order")

    def sign_in(self, s, b):
        b.js("document.getElementById('operator').click()")
        b.js("document.getElementById('token').value = '1'.repeat(64); document.querySelector('#sign-in form').requestSubmit()")
        b.wait("/not the operator/.test(document.getElementById('token-problem').textContent)", "a wrong token is refused")
        b.js(f"document.getElementById('token').value = '{self.token}'; document.querySelector('#sign-in form').requestSubmit()")
        b.wait("!document.getElementById('sign-in').open && !document.getElementById('orders').hidden", "signed in")
        b.wait("document.getElementById('connection').textContent === 'live'")
        assert self.token not in b.js("location.href + JSON.stringify(localStorage)")
        ok("signed in")

    def log(self, s, b):
        shown = "document.querySelector('#details .log').textContent"
        b.wait(f"{shown}.includes({json.dumps(EVIL)})", "the line of a log as text")
        b.wait(f"document.querySelector('#details dl').textContent.includes({json.dumps(EVIL)})", "the message as text")
        assert b.js("document.querySelectorAll('#details img, #details script, .cells img').length") == 0
        assert s.mac(2) in b.js("document.getElementById('details').textContent"), "the inventory"
        self.evil.report(self.evil.log("extrbase", "one more line", "error"))
        b.wait(f"{shown}.includes('one more line')", "a line that came later")
        assert b.js(f"{shown}.split('one more line').length") == 2, "a line that came twice"
        b.js("document.getElementById('tab-transfers').click()")
        b.wait("document.querySelectorAll('#transfers .bars li').length === 1", "what is on its way")
        b.js("document.getElementById('tab-history').click()")
        b.wait("document.querySelectorAll('#history tbody tr').length === 3", "the history")
        assert "the journal is broken" in b.js("document.getElementById('history').textContent")
        b.js("document.getElementById('tab-nodes').click()")
        b.key("Escape")
        ok("live log, transfers, history; what a node says stays text")

    def discovered(self, s, b):
        inventory = {"ram": 1 << 30, "cpus": 2, "disks": [{"name": "vda", "bytes": 1 << 33, "serial": EVIL, "model": "m"}]}
        request = {"mac": "52:54:00:99:00:01", "nonce": "0" * 64, "key": "09" + "0" * 62, "discover": True, "inventory": inventory}
        s.request("/v1/plan", json.dumps(request).encode())
        b.wait("document.getElementById('waiting').textContent === '1'", "an unknown machine in the counts")
        assert s.request("/v1/machines")[0] == 401
        b.js("document.getElementById('tab-machines').click()")
        b.wait(f"document.getElementById('machines').textContent.includes({json.dumps(EVIL)})", "its inventory as text")
        assert b.js("document.querySelectorAll('#machines img').length") == 0
        b.js("document.getElementById('tab-nodes').click()")
        ok("a discovered machine")

    def orders(self, s, b):
        b.js(cell("cnode005") + ".focus()")
        b.key(" ", " ")
        assert b.js("document.getElementById('details').hidden"), "Space has opened the details"
        b.key("ArrowRight")
        b.key(" ", " ")
        assert b.js("[...document.querySelectorAll('.selected')].map(c => c.dataset.name).join()") == "cnode005,cnode006"
        b.js("document.querySelector('[data-action=install]').click()")
        assert b.js("document.activeElement.textContent") == "Cancel"
        assert b.js("document.getElementById('confirm-names').innerText").split() == ["cnode005", "cnode006"]
        assert s.status("cnode005")["installer"] is None, "armed before it was confirmed"
        b.js("document.getElementById('confirm-go').click()")
        b.wait(is_state("cnode005", "armed") + "&&" + is_state("cnode006", "armed"), "armed by the board")
        assert s.status("cnode006")["installer"] == "test"
        assert "cnode006" in s.said() and "ordered on the board" in s.said()
        b.js("document.querySelector('[data-action=boot]').click()")
        b.js("document.getElementById('confirm-go').click()")
        b.wait(is_state("cnode005", "new") + "&&" + is_state("cnode006", "new"), "disarmed by the board")
        assert s.status("cnode006")["installer"] is None
        b.js("document.getElementById('select-none').click()")
        order = json.dumps({"action": "install", "nodes": ["cnode003", "nobody"]}).encode()
        answer = json.loads(s.request("/v1/operator/arm", order, self.token)[1])
        assert answer["done"] == 1 and answer["nodes"][1]["ok"] is False, answer
        s.lucie("boot", "cnode003")
        assert s.request("/v1/operator/arm", b"nonsense", self.token)[0] == 400
        assert s.request("/v1/operator/arm", b"x" * 100_000, self.token)[0] == 413
        ok("orders: named, confirmed, done, taken back")

    def filter(self, s, b):
        visible = "[...document.querySelectorAll('.cell:not([hidden])')].map(c => c.dataset.name).join()"
        b.key("/", "/")
        assert b.js("document.activeElement.id") == "search"
        b.js("document.getElementById('search').value = 'rack2'; document.getElementById('search').dispatchEvent(new Event('input'))")
        assert b.js(visible) == "cnode004,cnode005,cnode006,cnode007"
        b.js("document.querySelector('.chip.failed').click()")
        assert b.js(visible) == ""
        b.key("Escape")
        b.wait(f"{visible} === 'cnode001'", "the filter by state")
        b.js("document.querySelector('.chip.failed').click()")
        b.wait("document.querySelectorAll('.cell:not([hidden])').length === 8")
        ok("search and filter")

    def theme(self, s, b):
        def back():
            return b.js("getComputedStyle(document.body).backgroundColor")
        light = back()
        b.colours("dark")
        b.wait(f"getComputedStyle(document.body).backgroundColor !== '{light}'", "the dark one")
        b.js("document.getElementById('theme').click()")
        assert back() == light and b.js("localStorage.getItem('theme')") == "light"
        b.js("document.getElementById('theme').click()")
        b.colours("light")
        assert back() != light
        b.js("document.getElementById('theme').click()")
        assert back() == light
        ok("light and dark")

    def definition(self, s, b):
        s.racks, s.names = 3, s.names + [f"cnode{i:03d}" for i in range(8, 12)]
        s.setup()
        b.wait("document.querySelectorAll('.cell').length === 12", "cells of new hosts")
        assert b.js(is_state("cnode001", "failed"))
        ok("a new definition")

    def _listen(self, s, last=None):
        request = urllib.request.Request(s.url + "/v1/board/stream", headers={"Last-Event-ID": last} if last else {})
        return urllib.request.urlopen(request, timeout=30)

    def _event(self, stream):
        event = {}
        while True:
            line = stream.readline().decode().rstrip("\n")
            assert line or event, "the stream has ended"
            if not line and "data" in event:
                return event
            if ": " in line:
                key, value = line.split(": ", 1)
                event[key] = value

    def stream(self, s, b):
        with self._listen(s) as one:
            event = self._event(one)
            assert event["event"] == "snapshot" and len(json.loads(event["data"])["nodes"]) == 12, event
            s.lucie("install", "cnode009")
            event = self._event(one)
            assert event["event"] == "nodes" and json.loads(event["data"])["nodes"], event
        s.lucie("boot", "cnode009")
        with self._listen(s, event["id"]) as again:
            later = self._event(again)
            assert later["event"] == "nodes" and [n["name"] for n in json.loads(later["data"])["nodes"]] == ["cnode009"], later
        with self._listen(s, "0123456789abcdef-5") as stranger:
            assert self._event(stranger)["event"] == "snapshot"
        crowd = []
        try:
            for _ in range(40):
                crowd.append(self._listen(s))
            raise AssertionError("there is no limit to viewers")
        except urllib.error.HTTPError as error:
            assert error.code == 503 and len(crowd) <= 16, (error.code, len(crowd))
        finally:
            for viewer in crowd:
                viewer.close()
        ok("the stream: snapshot, differences, resumed; viewers are bounded")

    def restart(self, s, b):
        s.stop()
        b.wait("document.getElementById('connection').classList.contains('bad')", "that the server is away")
        s.lucie("install", "cnode010")
        s.serve()
        b.wait(is_state("cnode010", "armed") + " && document.getElementById('connection').textContent === 'live'", "live again")
        ok("a restart of the server")

    def _stall(self, s):
        """A viewer with little room, who takes nothing for now."""
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.settimeout(30)
        slow.connect(("127.0.0.1", s.port))
        slow.sendall(b"GET /v1/board/stream HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        return answer, slow

    def stalled(self, s, b):
        s.lucie("install", "cnode[003-008]")
        nodes = [s.node(i) for i in range(3, 9)]
        for node in nodes:
            node.report(*node.until("extrbase"))
        wanted, known = {}, {}

        def read_until_newest(stream, known):
            versions = []
            while {name: known.get(name) for name in wanted} != wanted:
                event = self._event(stream)
                versions.append(int(event["id"].split("-")[1]))
                known.update((n["name"], n.get("message", "")) for n in json.loads(event["data"])["nodes"])
            return versions

        with self._listen(s) as live:
            slow, its_socket = self._stall(s)
            for turn in range(12):
                for node in nodes:
                    wanted[node.name] = f"{turn} " + "x" * 900
                    node.report(node.progress("extrbase", turn + 1, 100, wanted[node.name]))
                read_until_newest(live, known)
            versions = read_until_newest(slow, {})
            slow.close()
            its_socket.close()
        assert any(after > before + 1 for before, after in zip(versions, versions[1:])), f"who stalled got every version: {versions}"
        b.wait(f"{cell('cnode008')}.ariaLabel.includes('11 xxx')", "the newest in the browser")
        s.lucie("boot", "cnode[003-008]")
        ok("who stalls gets the newest, not what has piled up")

    def access(self, s, b):
        def codes(wanted):
            end = time.monotonic() + 20
            while time.monotonic() < end:
                got = [s.request(p)[0] for p in ("/v1/board", "/v1/history", "/v1/nodes/cnode002/log")]
                if got == wanted:
                    return
                time.sleep(0.2)
            raise AssertionError(f"web_access {s.web_access}: {got}, expected {wanted}")
        for s.web_access, wanted in (("all", [200, 200, 200]), ("token", [401, 401, 401]), (None, [200, 200, 401])):
            s.setup()
            codes(wanted)
        assert s.request("/v1/nodes/cnode002/log", token=self.token)[0] == 200
        ok("web_access")

    def narrow(self, s, b):
        b.size(400, 800)
        b.wait("innerWidth === 400")
        assert b.js("document.documentElement.scrollWidth") <= 400, "the page is wider than a narrow screen"
        b.js(cell("cnode002") + ".click()")
        b.wait("document.querySelector('#details h2')?.textContent === 'cnode002'")
        assert b.js("document.getElementById('details').getBoundingClientRect().width") == 400
        ok("a narrow screen")

    def guesses(self, s, b):
        codes = {s.request("/v1/operator", token=f"{i:064x}")[0] for i in range(20)}
        assert codes == {401, 429}, codes
        assert s.request("/v1/operator", token=self.token)[0] == 200
        assert s.request("/v1/board")[0] == 200
        ok("who guesses has to wait")

    def close(self):
        if self.browser:
            self.browser.close()
        self.site.close()


def main():
    test = Test()
    try:
        test.run()
    except BaseException:
        print("--- the server said\n" + "\n".join(test.site.said().splitlines()[-30:]), file=sys.stderr)
        raise
    finally:
        test.close()


main()
