#!/usr/bin/env python3
"""Pictures of the board, to be looked at: shots.py FOLDER [NODES]: a site of so many nodes in every state, wide and narrow, light and dark."""
import os
import random
import sys
import time

from cluster import Site
from devtools import Browser

TOTAL = 3_000_000_000
CAUSES = [("mount", "/dev/sda1: the journal cannot be replayed"), ("partition", "disk sda carries a foreign ext4 (label 'data'): refused"),
          ("extrbase", "the server does not answer (tried 30 times)")]


def fill(site, chance):
    """Most are installed, a rack is under way, some fail; the state of a node follows from its number, so that pictures compare."""
    wanted = [chance.choices(["installed", "installing", "failed", "armed", "new", "partition"], [50, 30, 2, 8, 5, 5])[0] for _ in site.names]
    armed = [n for n, w in zip(site.names, wanted) if w != "new"]
    for i in range(0, len(armed), 500):
        site.lucie("install", ",".join(armed[i:i + 500]))
    for i, w in enumerate(wanted):
        if w in ("new", "armed"):
            continue
        node = site.node(i)
        if w == "installed":
            node.report(*node.until("extrbase"), node.log("extrbase", "1204 files"), node.done("extrbase", 9300), node.ends())
        elif w == "failed":
            module, why = chance.choice(CAUSES)
            node.report(*node.until(module), node.log(module, why, "error"), node.ends(False, module, why))
        elif w == "partition":
            node.report(*node.until("partition"))
        else:
            node.report(*node.until("extrbase"), node.log("extrbase", "from the server, 2.8 GiB"),
                        node.progress("extrbase", int(TOTAL * chance.random()), TOTAL, "fetching"))
    return site.names[wanted.index("installing")] if "installing" in wanted else site.names[0]


def take(browser, site, folder, count, name):
    for width in (1280, 400):
        for colours in ("light", "dark"):
            browser.size(width, 800)
            browser.colours(colours)
            time.sleep(0.7)
            browser.screenshot(os.path.join(folder, f"{count}-{width}-{colours}.png"))
    browser.size(1280, 800)
    browser.colours("light")
    browser.js(f"document.querySelector('[data-name={name}]').click()")
    browser.wait("document.querySelector('#details .modules tr') !== null")
    time.sleep(0.7)
    browser.screenshot(os.path.join(folder, f"{count}-details.png"))


def main():
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 112
    os.makedirs(folder, exist_ok=True)
    racks = max(1, round(count / 16) if count < 300 else round(count / 50))
    site, browser = Site(racks, count // racks, "all"), None
    try:
        site.serve()
        name = fill(site, random.Random(1))
        browser = Browser()
        browser.open(site.url + "/")
        browser.wait(f"document.querySelectorAll('.cell').length === {len(site.names)}")
        take(browser, site, folder, count, name)
        print("to the first whole picture:", browser.js("Math.round(performance.getEntriesByName('first-contentful-paint')[0].startTime)"), "ms")
        assert not browser.problems, browser.problems
    finally:
        if browser:
            browser.close()
        site.close()


main()
