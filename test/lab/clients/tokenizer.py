"""Writes a tokenizer to a folder, so that a load generator needs none from a model hub.

Every byte is a token of its own: no vocabulary to fetch or to train. The lab's model servers count tokens by the length
of the text and say so in `usage`; the generator only makes prompts of a certain length with it.
"""

import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast


def byte_tokenizer():
    """A tokenizer with a token for each byte, and one for the end."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={text: number for number, text in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")


if __name__ == "__main__":
    byte_tokenizer().save_pretrained(sys.argv[1])
