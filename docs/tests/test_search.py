"""What a student types finds the page that answers: the theme's own search, run on the index of the built site.

Needs a built site, as the browser's tests do, and no browser: the theme's script runs in QuickJS.
"""

from __future__ import annotations

import json

import pytest

FIRST = 3  # pages that one sees without scrolling
BROWSER = """
var self = globalThis, listeners = [], answers = [];
var console = {warn() {}, log() {}};
function addEventListener(kind, listener) { listeners.push(listener); }
function postMessage(message) { answers.push(message); }
function send(text) { listeners[0]({data: JSON.parse(text)}); }
function answer() { return JSON.stringify(answers.pop()); }
"""
SETUP, QUERY = 0, 2  # kinds of messages to the theme's worker
WANTED = {
    "variational autoencoder": "architectures/autoencoder",
    "reparametrization": "architectures/autoencoder",
    "cosine decay": "training/schedules/decay",
    "mode collapse": "architectures/gan",
    "wasserstein gradient penalty": "architectures/gan",
    "dying relu": "components/activations",
    "derivative of sigmoid": "components/activations",
    "vanishing gradient": "components/activations",
    "softmax overflow": "components/activations",
    "why bias": "components/weights_and_biases",
    "what is a neuron": "components/neurons",
    "universal approximation": "components/layers",
    "backpropagation": "components/backpropagation",
    "chain rule": "components/backpropagation",
    "patience": "training/early_stopping",
    "elastic net": "training/regularization",
    "number of parameters": "components/weights_and_biases",
    "keras lstm order": "components/weight_layouts",
    "transformer encoder": "architectures/transformer/encoder",
    "key value cache": "architectures/transformer/generation",
    "causal mask": "architectures/transformer/attention",
    "query key value": "architectures/transformer/attention",
    "cross entropy gradient": "components/losses/cross_entropy",
    "learning rate too large": "training/batch_gradient_descent",
    "adam bias correction": "training/adam",
    "he initialization": "training/initialization",
    "xavier initialization": "training/initialization",
    "receptive field": "architectures/convolutional/network",
    "LeNet": "architectures/convolutional/network",
    "skip connection": "architectures/convolutional/residual_network",
    "ResNet": "architectures/convolutional/residual_network",
    "same padding": "architectures/convolutional/convolution",
    "checkerboard": "architectures/convolutional/transposed_convolution",
    "reset gate": "architectures/gru",
    "update gate": "architectures/gru",
    "forget gate": "architectures/lstm",
    "bidirectional": "architectures/stacked_recurrent",
    "stacked layers": "architectures/stacked_recurrent",
    "weight tying": "architectures/transformer/embedding",
    "inverted dropout": "training/dropout",
    "group norm": "training/group_normalization",
    "layer norm epsilon": "architectures/transformer/normalization",
    "rotary positions": "architectures/transformer/positions",
    "unit in the last place": "conformance",
}


@pytest.fixture(scope="module")
def search(site):
    """The pages that the theme lists for some words, best first."""
    quickjs = pytest.importorskip("quickjs")
    (worker,) = (site / "assets" / "javascripts" / "workers").glob("search.*.min.js")
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    context = quickjs.Context()
    context.eval(BROWSER)
    context.eval(worker.read_text(encoding="utf-8"))

    def ask(kind: int, content: object) -> dict:
        context.get("send")(json.dumps({"type": kind, "data": content}))
        while context.execute_pending_job():
            pass
        return json.loads(context.get("answer")())

    ask(SETUP, index | {"options": {"suggest": False}})

    def run(words: str) -> list[str]:
        return [hits[0]["location"].partition("#")[0] for hits in ask(QUERY, words)["data"]["items"]]

    return run


@pytest.mark.parametrize("words", WANTED)
def test_the_page_that_answers_is_among_the_first(search, words):
    assert f"spec/{WANTED[words]}.html" in search(words)[:FIRST]


def test_the_id_of_a_clause_leads_to_its_page_first(search):
    assert search("relu.gradient-at-zero")[0] == "spec/components/activations.html"
