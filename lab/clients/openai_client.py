"""The official OpenAI client as an application uses it, until it is told to stop.

Calls every kind (openai_calls.py) in turn from some threads, with retries off.

Reads lines from standard input: "stage NAME" (calls that start from now on count for that stage) and "stop"; the end
of the input is a stop too. Prints a line of JSON when every kind was called once, {"ready": ...}, and one at its end,
{"summary": ...}. Ends by itself after --seconds or --calls. Status 0: no call failed; 1: some did; 2: wrong usage.
"""

import argparse
import json
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import openai

from openai_calls import Asking

SHOWN_FAILURES = 20


class Tally:
    """What came of the calls, by the stage in which each of them started."""

    def __init__(self):
        self.lock = threading.Lock()
        self.stage = "start"
        self.stages = {}
        self.failures = []
        self.kinds = Counter()

    def enter(self, stage):
        """Calls that start from now on count for this stage."""
        with self.lock:
            self.stage = stage

    def add(self, stage, kind, pool, failure):
        """One call has ended."""
        with self.lock:
            counts = self.stages.setdefault(stage, {"calls": 0, "failed": 0, "pools": Counter(), "kinds": Counter()})
            counts["calls"] += 1
            counts["kinds"][kind] += 1
            self.kinds[kind] += 1
            if failure is None:
                counts["pools"][pool] += 1
                return
            counts["failed"] += 1
            if len(self.failures) < SHOWN_FAILURES:
                self.failures.append(f"{stage}: {kind}: {failure}")

    def summary(self):
        """Everything, ready to be printed."""
        with self.lock:
            return {
                "client": f"openai {openai.__version__}",
                "calls": sum(stage["calls"] for stage in self.stages.values()),
                "failed": sum(stage["failed"] for stage in self.stages.values()),
                "kinds": self.kinds,
                "stages": self.stages,
                "failures": self.failures,
            }


def work(asking, tally, stop, budget, first):
    """Calls one kind after the other until it is to stop. Each thread begins with another kind."""
    kinds = asking.kinds()
    turn = first
    while not stop.is_set() and budget.acquire(blocking=False):
        kind, call = kinds[turn % len(kinds)]
        turn += 1
        stage = tally.stage
        pool, failure = None, None
        began = time.time()
        try:
            pool = call().get("x-served-by-pool")
        except Exception as error:
            # Whatever it is: an application would have seen it.
            at = time.strftime("%H:%M:%S", time.gmtime(began))
            failure = f"{type(error).__name__}: {error} (began {at}, took {time.time() - began:.2f} s)"
        tally.add(stage, kind, pool, failure)
        stop.wait(0.02)


def listen(tally, stop):
    """Does what standard input says."""
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "stage":
            tally.enter(rest)
        elif word == "stop":
            break
    stop.set()


def main():
    """Reads the arguments and runs to the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    if not (urlsplit(options.base_url).hostname or "").startswith("127."):
        parser.error("--base-url has to be an address of this machine: 127.x.y.z")
    # No key leaves the machine: the lab takes any.
    client = openai.OpenAI(base_url=options.base_url, api_key="lab", max_retries=0, timeout=30)
    asking = Asking(client, options.model)
    tally, stop = Tally(), threading.Event()
    budget = threading.Semaphore(options.calls)
    names = {kind for kind, _ in asking.kinds()}
    arguments = [(asking, tally, stop, budget, number * 3) for number in range(options.threads)]
    threads = [threading.Thread(target=work, args=each) for each in arguments]
    threading.Thread(target=listen, args=(tally, stop), daemon=True).start()
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + options.seconds
    ready = False
    while any(thread.is_alive() for thread in threads):
        if not ready and names <= set(tally.kinds):
            ready = True
            print(json.dumps({"ready": sorted(names)}), flush=True)
        if time.monotonic() > deadline:
            stop.set()
        time.sleep(0.05)
    summary = tally.summary()
    print(json.dumps({"summary": summary}), flush=True)
    return 0 if summary["failed"] == 0 and summary["calls"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
