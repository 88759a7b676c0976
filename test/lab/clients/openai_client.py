"""The official OpenAI client as an application uses it, until it is told to stop.

Calls every kind in turn from some threads, with retries off, and checks each answer: the client itself accepts nearly
anything (it builds its types without validation), so every body and every chunk is validated strictly against the
client's own pydantic types, and a stream has to be whole.

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
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

MESSAGES = [
    {"role": "system", "content": "You answer briefly."},
    {"role": "user", "content": "What moves when a weight changes?"},
]
PROMPT = "Once upon a time"
SHOWN_FAILURES = 20


class Unexpected(Exception):
    """An answer that the client took and that is not what was asked for."""


def expect(holds, what):
    """Raises Unexpected, saying what does not hold."""
    if not holds:
        raise Unexpected(what)


class Asking:
    """The kinds of calls. Each returns the headers of the answer, and raises where anything is wrong with it."""

    def __init__(self, client, model):
        self.client = client
        self.model = model

    def kinds(self):
        """Names and functions of all kinds, in the order in which they are called."""
        return [
            ("chat", self.chat),
            ("chat stream", self.chat_stream),
            ("completion", self.completion),
            ("completion stream", self.completion_stream),
            ("models", self.models),
            ("chat stream", self.chat_stream),
            ("chat choices", self.chat_choices),
            ("completion list", self.completion_list),
            ("running usage", self.running_usage),
            ("accumulated", self.accumulated),
            ("refusal", self.refusal),
        ]

    def chat(self):
        """A plain chat."""
        answer = self.client.chat.completions.with_raw_response.create(
            model=self.model, messages=MESSAGES, max_completion_tokens=4
        )
        self.whole(answer, ChatCompletion, choices=1, tokens=4)
        message = answer.parse().choices[0].message
        expect(message.role == "assistant" and message.content, f"message {message}")
        return answer.headers

    def chat_choices(self):
        """Two choices with log probabilities."""
        answer = self.client.chat.completions.with_raw_response.create(
            model=self.model, messages=MESSAGES, max_tokens=5, n=2, logprobs=True, top_logprobs=2
        )
        self.whole(answer, ChatCompletion, choices=2, tokens=10)
        for choice in answer.parse().choices:
            tokens = choice.logprobs.content
            expect([len(token.top_logprobs) for token in tokens] == [2] * 5, f"logprobs {tokens}")
            expect("".join(token.token for token in tokens) == choice.message.content, "tokens are not the text")
        return answer.headers

    def completion(self):
        """A plain completion."""
        answer = self.client.completions.with_raw_response.create(model=self.model, prompt=PROMPT, max_tokens=4)
        self.whole(answer, Completion, choices=1, tokens=4)
        expect(answer.parse().choices[0].text, "no text")
        return answer.headers

    def completion_list(self):
        """Two prompts in one request: a choice for each."""
        answer = self.client.completions.with_raw_response.create(
            model=self.model, prompt=[PROMPT, "And then"], max_tokens=3, logprobs=1
        )
        self.whole(answer, Completion, choices=2, tokens=6)
        for choice in answer.parse().choices:
            expect("".join(choice.logprobs.tokens) == choice.text, f"logprobs {choice.logprobs}")
        return answer.headers

    def chat_stream(self):
        """A long stream with its usage at the end."""
        stream = self.client.chat.completions.create(
            model=self.model,
            messages=MESSAGES,
            max_completion_tokens=150,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = self.chunks(stream, ChatCompletionChunk)
        expect(chunks[0].choices[0].delta.role == "assistant", "the first chunk names no role")
        texts = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
        self.streamed(chunks, len(texts), tokens=150)
        return stream.response.headers

    def completion_stream(self):
        """A stream of a completion with its usage at the end."""
        stream = self.client.completions.create(
            model=self.model, prompt=PROMPT, max_tokens=40, stream=True, stream_options={"include_usage": True}
        )
        chunks = self.chunks(stream, Completion)
        texts = [choice.text for chunk in chunks for choice in chunk.choices if choice.text]
        self.streamed(chunks, len(texts), tokens=40)
        return stream.response.headers

    def running_usage(self):
        """A stream that says its usage in every chunk (vLLM's continuous_usage_stats)."""
        stream = self.client.chat.completions.create(
            model=self.model,
            messages=MESSAGES,
            max_completion_tokens=10,
            stream=True,
            stream_options={"include_usage": True, "continuous_usage_stats": True},
        )
        chunks = self.chunks(stream, ChatCompletionChunk)
        counts = [chunk.usage and chunk.usage.completion_tokens for chunk in chunks]
        expect(None not in counts and counts == sorted(counts) and counts[-1] == 10, f"usage so far: {counts}")
        return stream.response.headers

    def accumulated(self):
        """The client's own helper, which puts a stream together; it refuses one that a limit of tokens ended."""
        with self.client.chat.completions.stream(model=self.model, messages=MESSAGES) as stream:
            final = stream.get_final_completion()
            headers = stream._response.headers
        choice = final.choices[0]
        expect(choice.finish_reason == "stop" and choice.message.content, f"choice {choice}")
        return headers

    def models(self):
        """The list of models, which has the one that is asked for."""
        answer = self.client.models.with_raw_response.list()
        body = json.loads(answer.text)
        expect(body["object"] == "list", f"object {body['object']}")
        for model in body["data"]:
            Model.model_validate_json(json.dumps(model), strict=True)
        names = [model.id for model in answer.parse()]
        expect(self.model in names, f"{self.model} is not in {names}")
        return answer.headers

    def refusal(self):
        """What the server refuses arrives as the client's own kind of error, with the server's words."""
        try:
            self.client.completions.create(model=self.model, prompt=PROMPT, max_tokens=0)
        except openai.BadRequestError as error:
            expect(error.type == "BadRequestError" and "max_tokens" in error.message, f"error {error.body}")
            return error.response.headers
        raise Unexpected("max_tokens 0 was not refused")

    def whole(self, answer, kind, choices, tokens):
        """Checks a plain answer, as it came."""
        body = kind.model_validate_json(answer.text, strict=True)
        expect(body.model == self.model, f"model {body.model}")
        indices = [choice.index for choice in body.choices]
        expect(indices == list(range(choices)), f"choices {indices}")
        reasons = {choice.finish_reason for choice in body.choices}
        expect(reasons == {"length"}, f"finish_reason {reasons}")
        self.counted(body.usage, tokens)

    def chunks(self, stream, kind):
        """All chunks of a stream, each valid, all of one answer."""
        chunks = []
        for chunk in stream:
            raw = chunk.model_dump(mode="json", exclude_unset=True, warnings=False)
            if kind is Completion:
                # The client has one type for whole completions and chunks of them, in which finish_reason may not be
                # null. OpenAI's API, vLLM and others send null in every chunk but the last of a choice.
                for choice in raw["choices"]:
                    choice["finish_reason"] = choice["finish_reason"] or "length"
            kind.model_validate_json(json.dumps(raw), strict=True)
            chunks.append(chunk)
        answers = {(chunk.id, chunk.created, chunk.model) for chunk in chunks}
        expect(len(answers) == 1, f"chunks of {len(answers)} answers")
        expect(chunks[0].model == self.model, f"model {chunks[0].model}")
        return chunks

    def streamed(self, chunks, texts, tokens):
        """Checks that a stream is whole: all of its tokens, one reason to end, and the usage behind them."""
        expect(texts == tokens, f"{texts} of {tokens} tokens")
        reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
        expect(reasons == ["length"], f"finish_reason {reasons}")
        expect([chunk for chunk in chunks[:-1] if chunk.usage] == [], "usage before the end")
        expect(chunks[-1].choices == [], "the last chunk has choices")
        self.counted(chunks[-1].usage, tokens)

    @staticmethod
    def counted(usage, tokens):
        """Checks a usage."""
        expect(usage is not None, "no usage")
        expect(usage.completion_tokens == tokens, f"usage {usage}")
        expect(usage.prompt_tokens > 0, f"usage {usage}")
        expect(usage.total_tokens == usage.prompt_tokens + tokens, f"usage {usage}")


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
