"""Puts a tokenizer where a load generator that is offline looks for one: in the hub's cache, under a name of its own.

    python tokenizer.py HF_HOME NAME        NAME is OWNER/TOKENIZER

Every byte is a token of its own: no vocabulary to fetch or to train. The lab's model servers count tokens by the length
of the text and say so in `usage`; the generator only makes prompts of a certain length with it.
"""

import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast


def byte_tokenizer():
    """A tokenizer with a token for each byte, and one for the end."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={text: number for number, text in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")


def put(home, name):
    """Writes it in the layout of the hub's cache: a snapshot, and the revision that `main` stands for."""
    revision = "0" * 40
    folder = Path(home, "hub", f"models--{name.replace('/', '--')}")
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(revision)
    byte_tokenizer().save_pretrained(folder / "snapshots" / revision)


if __name__ == "__main__":
    put(*sys.argv[1:])
