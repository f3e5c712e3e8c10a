"""Every feature in UTF-8, UTF-16 and UTF-32, with wide characters and strange line ends to the left."""

from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Client, marked, place, position

URI = "file:///models/wide.qvr"
ENCODINGS = ("utf-8", "utf-16", "utf-32")


@pytest.fixture(params=ENCODINGS, scope="module")
def client(request: Any) -> Iterator[Client]:
    started = Client(request.param)
    yield started
    started.close()


# One line on which wide characters stand left of everything, and line ends that are none.
MODEL = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object 𝒮 : FinSet 8
program p : 𝒮 -> 𝒮
    sample 𝒩 <- Normal(0.0, 5.0)
    sample 𝜏 : 𝒮 <- Normal(𝒩, 1.0)
    observe y : 𝒮 <- Normal(⟦𝜏⟧, 1.0)
    return 𝜏
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_hover_shows_the_name_and_covers_it(client: Client, line_end: str) -> None:
    text, [span] = marked(MODEL.replace("\n", line_end))
    assert client.open(URI, text) == []
    shown = client.at("hover", URI, position(text, span[0], client.encoding))
    assert "τ : S ⊗ Real" in shown["contents"]["value"]
    assert shown["range"] == place(text, span, client.encoding)
