"""Estimate of the number of tokens of a text or a picture, used while no model is loaded."""

from __future__ import annotations

import math

LATIN_CHARACTERS_PER_TOKEN = 3.4
CJK_TOKENS_PER_CHARACTER = 0.7
TEMPLATE_TOKENS = 5
"""Tokens that a chat template adds to a message: in ChatML two special tokens, the role and two line ends."""
PICTURE_PATCH, MAX_PICTURE_TOKENS = 28, 2048
"""Side in pixels of what becomes one token of a picture, and the most of one picture.

Qwen2-VL has patches of 28 pixels (arXiv:2409.12191, 2.1); Gemma 3 has 256 tokens for any picture (arXiv:2503.19786,
2.1), and OpenAI's GPT-4o up to 1,105 (85, and 170 for each of six tiles).
"""

# Measured with the vocabularies in llama.cpp's folder ``models`` (loaded with vocab_only, through llama_tokenize):
# 22,000 characters of English Markdown gave 3.07 characters per token with Baichuan's 64,000 tokens, 3.49 with
# DeepSeek's, 3.76 with Qwen2's, 3.86 with Llama 3's, 3.43 with the starter's; 8,600 characters of Chinese gave 0.72,
# 0.65, 0.65, 0.75 tokens per character.  Vocabularies with few Chinese tokens need up to twice as many (1.29 with
# Llama 2's, 1.62 with the starter's): the estimate is for models that were trained on Chinese.


def estimated_tokens(text: str) -> int:
    """Return an estimate from the numbers of characters, within a third for English, Chinese and mixed text.

    Chinese characters are counted by their three bytes in UTF-8, far faster than one by one.  Cyrillic and Greek
    letters have two bytes and count half as Chinese, which is about right.
    """
    wide = 0 if text.isascii() else (len(text.encode("utf-8", "replace")) - len(text)) // 2
    return math.ceil(max(0, len(text) - wide) / LATIN_CHARACTERS_PER_TOKEN + wide * CJK_TOKENS_PER_CHARACTER)


def estimated_picture_tokens(width: int, height: int) -> int:
    """Return an estimate for a picture of a size in pixels; models differ by a factor of ten."""
    return min(MAX_PICTURE_TOKENS, math.ceil(width / PICTURE_PATCH) * math.ceil(height / PICTURE_PATCH))
