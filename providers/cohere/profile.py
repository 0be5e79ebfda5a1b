"""Which of Cohere's models think, as data.

Sources: the model pages and the guide "Reasoning Capabilities" of docs.cohere.com. A name that is not in the table may
be tomorrow's model or a customer's own: it is taken to think, and Cohere judges what this table cannot.
"""

from __future__ import annotations

import re

# Up to Command A, and its variants for images and translation. Command A Reasoning and Command A+ do think.
_PLAIN = re.compile(
    r"c4ai-.+"
    r"|command(?:-light|-r|-r-plus|-r7b|-a|-a-vision|-a-translate)?(?:-nightly|-arabic)?(?:-\d{2}-\d{4})?"
)


def thinks(model: str) -> bool:
    """Whether the model takes `thinking`."""
    return _PLAIN.fullmatch(model.lower()) is None
