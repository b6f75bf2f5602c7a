#!/usr/bin/env python3
"""Somebody looks at the board while the nodes report: how soon all cells are there, how late the page's timers are (what a click would wait
for) and how old what it shows of the nodes is, in a real Chromium. Figures for `BROWSER=1 make bench-serve`, judged only by whether the page
shows all nodes and stays connected.

	board.py URL NODES SECONDS"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../board"))
from devtools import Browser

# Every 20 ms how late the timer is; every second the age of what is known of each node, by the server's clock.
METER = """import('/board/model.js').then(model => {
	const m = window.meter = {late: [], ages: []};
	let due = performance.now() + 20;
	setInterval(() => { const now = performance.now(); m.late.push(Math.max(0, now - due)); due = now + 20; }, 20);
	setInterval(() => { for (const n of model.nodes.values()) m.ages.push(model.serverNow() - n.seen); }, 1000);
})"""
QUANTILES = "(list => { list.sort((a, b) => a - b); return [.5, .99, 1].map(q => list[Math.min(list.length - 1, Math.floor(q * list.length))]); })"


def main(url, count, seconds):
    browser = Browser()
    try:
        browser.size(1600, 1000)
        begin = time.monotonic()
        browser.open(url + "/")
        browser.wait(f"document.querySelectorAll('.cell').length === {count}", "a cell for each node", 60)
        shown = time.monotonic() - begin
        browser.js(METER)
        time.sleep(seconds)
        late, ages = browser.js(f"{QUANTILES}(meter.late)"), browser.js(f"{QUANTILES}(meter.ages)")
        changing = browser.js("[...document.querySelectorAll('.cell')].filter(c => c.classList.contains('installing') || c.classList.contains('installed')).length")
        assert browser.js("document.getElementById('connection').textContent") == "live", "the page is not connected"
        print(f"board: {count} cells after {shown:.1f} s, {changing} of them under way or done; timers late by p50 {late[0]:.0f}, p99 {late[1]:.0f}, "
              f"max {late[2]:.0f} ms; what it knows of a node is p50 {ages[0]:.1f}, p99 {ages[1]:.1f}, max {ages[2]:.1f} s old")
        if os.environ.get("SHOT"):
            browser.screenshot(os.environ["SHOT"])
    finally:
        browser.close()


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
