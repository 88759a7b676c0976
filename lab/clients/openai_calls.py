"""The calls of the official OpenAI client, and what their answers have to be.

The client itself accepts nearly anything (it builds its types without validation), so every body and every chunk is
validated strictly against the client's own pydantic types, and a stream has to be whole.
"""

import json

import openai
from openai.types import Completion, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

MESSAGES = [
    {"role": "system", "content": "You answer briefly."},
    {"role": "user", "content": "What moves when a weight changes?"},
]
PROMPT = "Once upon a time"


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
