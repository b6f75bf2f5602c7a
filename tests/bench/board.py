#!/usr/bin/env python3
"""Somebody looks at the board while the nodes report: how soon all cells are there, how late the page's timers are (what a click would wait for),
how old what it knows of the nodes is and what the cells on the screen show, and what the browser's processes use, in a real Chromium. Ages are by the server's clock, which counts whole seconds: up to one of them is the clock's, and up to one the node's, which speaks once a second.
Figures for `BROWSER=1 make bench-serve`, judged only by whether the page shows all nodes and stays connected. BROWSER_NICE is written to the
browser's scheduling group too, where sessions have one each (sched(7), autogroup): among groups the nice values of processes mean nothing.

	board.py URL NODES SECONDS

It loads the page, prints "open", and waits for a line on standard input before it measures; when that is "load", it loads the page again first."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../board"))
from devtools import Browser

# Every 20 ms how late the timer is; again and again the age of what is known of each node, and of what a cell on the screen says.
METER = """import('/board/model.js').then(model => {
	const m = window.meter = {late: [], known: [], shown: []}, last = new Map();
	const seen = [...document.querySelectorAll('.cell')].filter(c => { const r = c.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight; });
	let due = performance.now() + 20;
	setInterval(() => { const now = performance.now(); m.late.push(Math.max(0, now - due)); due = now + 20; }, 20);
	setInterval(() => {
		const now = model.serverNow();
		for (const n of model.nodes.values()) m.known.push(now - n.seen);
		for (const c of seen) {
			const n = model.nodes.get(c.dataset.name);
			if (c.ariaLabel.endsWith(model.words(n))) last.set(n.name, n.seen);
			if (last.has(n.name)) m.shown.push(now - last.get(n.name));
		}
	}, 870);
})"""
QUANTILES = "(list => { list.sort((a, b) => a - b); return [.5, .99, 1].map(q => list[Math.min(list.length - 1, Math.floor(q * list.length))]); })"


def used(session):
    """Seconds of processor time of the processes of a session."""
    ticks = 0
    for folder in os.listdir("/proc"):
        try:
            with open(f"/proc/{folder}/stat") as f:
                field = f.read().rsplit(")", 1)[1].split()
        except OSError:  # no process, or one that has ended
            continue
        if int(field[3]) == session:
            ticks += int(field[11]) + int(field[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def start(nice):
    """A browser whose processes get what those of this nice value get."""
    os.nice(nice)
    browser = Browser()
    group = f"/proc/{browser.process.pid}/autogroup"
    if nice and os.path.exists(group):
        with open(group, "w") as f:
            f.write(str(nice))
    return browser


def load(browser, url, count):
    """Seconds until the page shows all nodes."""
    begin = time.monotonic()
    browser.open(url + "/")
    browser.wait(f"document.querySelectorAll('.cell').length === {count}", "a cell for each node", 60)
    return time.monotonic() - begin


def main(url, count, seconds):
    browser = start(int(os.environ.get("BROWSER_NICE", "0")))
    try:
        browser.size(1600, 1000)
        shown = load(browser, url, count)
        print("open", flush=True)
        if sys.stdin.readline() == "load\n":
            shown = load(browser, url, count)
        time.sleep(2)  # until each node has spoken once
        browser.js(METER)
        before, begin = used(browser.process.pid), time.monotonic()
        time.sleep(seconds)
        share = (used(browser.process.pid) - before) / (time.monotonic() - begin)
        late, known, seen = (browser.js(f"{QUANTILES}(meter.{what})") for what in ("late", "known", "shown"))
        changing = browser.js("[...document.querySelectorAll('.cell')].filter(c => c.classList.contains('installing') || c.classList.contains('installed')).length")
        assert browser.js("document.getElementById('connection').textContent") == "live", "the page is not connected"
        print(f"board: {count} cells after {shown:.1f} s, {changing} of them under way or done; timers late by p50 {late[0]:.0f}, p99 {late[1]:.0f}, "
              f"max {late[2]:.0f} ms; what it knows of a node is p50 {known[0]:.1f}, p99 {known[1]:.1f}, max {known[2]:.1f} s old, what a cell shows "
              f"p50 {seen[0]:.1f}, p99 {seen[1]:.1f}, max {seen[2]:.1f} s; the browser used {share * 100:.0f} % of a processor")
        if os.environ.get("SHOT"):
            browser.screenshot(os.environ["SHOT"])
    finally:
        browser.close()


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
