"""What a student types finds the page that answers, as the first hit: the site's own search, run on the built site.

Needs a built site, as the browser's tests do, and no browser: search and library run in QuickJS.
"""

from __future__ import annotations

import gzip
import json

import pytest

TITLES = 100_000  # bytes, compressed: what the search loads when its field gets the focus
WANTED = {
    "variational autoencoder": "architectures/autoencoder",
    "reparametrization": "architectures/autoencoder",
    "reparameterization trick": "architectures/autoencoder",
    "cosine decay": "training/schedules/decay",
    "learning rate warmup": "training/schedules/warmup",
    "piecewise constant": "training/schedules/piecewise",
    "mode collapse": "architectures/gan",
    "wasserstein gradient penalty": "architectures/gan",
    "dcgan": "architectures/convolutional_gan",
    "spectral normalization": "architectures/spectral_normalization",
    "dying relu": "components/activations",
    "derivative of sigmoid": "components/activations",
    "vanishing gradient": "components/activations",
    "softmax overflow": "components/activations",
    "torch softmax default": "components/activations",
    "gelu": "components/activations",
    "why bias": "components/weights_and_biases",
    "how many parameters does a layer have": "components/weights_and_biases",
    "what is a neuron": "components/neurons",
    "universal approximation": "components/layers",
    "torch.nn.Linear": "components/layers",
    "backpropagation": "components/backpropagation",
    "chain rule": "components/backpropagation",
    "autograd": "components/automatic_differentiation",
    "patience": "training/early_stopping",
    "elastic net": "training/regularization",
    "number of parameters": "components/weights_and_biases",
    "keras lstm order": "components/weight_layouts",
    "transformer encoder": "architectures/transformer/encoder",
    "transformer decoder": "architectures/transformer/decoder",
    "key value cache": "architectures/transformer/generation",
    "kv cache": "architectures/transformer/generation",
    "beam search length penalty": "architectures/transformer/decoding",
    "nucleus sampling": "architectures/transformer/decoding",
    "causal mask": "architectures/transformer/attention",
    "query key value": "architectures/transformer/attention",
    "cross entropy gradient": "components/losses/cross_entropy",
    "CrossEntropyLoss": "components/losses/cross_entropy",
    "label smoothing": "components/losses/cross_entropy",
    "hinge loss": "components/losses/margins",
    "learning rate too large": "training/batch_gradient_descent",
    "adam bias correction": "training/adam",
    "adam epsilon": "training/adam",
    "weight decay adam": "training/adam",
    "nesterov": "training/momentum",
    "he initialization": "training/initialization",
    "xavier initialisation": "training/initialization",
    "receptive field": "architectures/convolutional/network",
    "LeNet": "architectures/convolutional/network",
    "skip connection": "architectures/convolutional/residual_network",
    "ResNet": "architectures/convolutional/residual_network",
    "same padding": "architectures/convolutional/convolution",
    "Conv2d": "architectures/convolutional/convolution",
    "checkerboard": "architectures/convolutional/transposed_convolution",
    "reset gate": "architectures/gru",
    "update gate": "architectures/gru",
    "forget gate": "architectures/lstm",
    "bidirectional": "architectures/stacked_recurrent",
    "stacked layers": "architectures/stacked_recurrent",
    "weight tying": "architectures/transformer/embedding",
    "inverted dropout": "training/dropout",
    "attention dropout": "architectures/transformer/attention_dropout",
    "group norm": "training/group_normalization",
    "batch norm": "training/batch_normalization",
    "layer norm epsilon": "architectures/transformer/normalization",
    "rotary positions": "architectures/transformer/positions",
    "positional encoding": "architectures/transformer/positions",
    "unit in the last place": "conformance",
    "teacher forcing": "architectures/transformer/decoder",
    "keras adam epsilon": "training/adam",
    "attention mask polarity": "architectures/transformer/multi_head_attention",
    "attention mask true hidden or visible": "architectures/transformer/multi_head_attention",
    "pytorch attention mask true means": "architectures/transformer/multi_head_attention",
    "why is my loss nan": "training/loop",
    "cosine annealing restart": "training/schedules/warmup",
    "inference mode": "training/batch_normalization",
}
ELSEWHERE = {
    "write an adapter": "guides/write-an-adapter.html",
    "pytorch to jax": "guides/port-from-pytorch.html",
    "bugs in pytorch": "results/findings.html",
    "keras_torch": "results/subjects/keras_torch.html",
    "test my jax function": "guides/test-your-implementation.html",
    "check my own jax function": "guides/test-your-implementation.html",
    "is torch.compile wrong": "results/subjects/torch_compiled.html",
    "benchmark pytorch vs jax": "results/benchmarks.html",
}

CLAUSES = {  # what an engineer asks who has not seen the site
    "gru reset before or after the product": "gru.reset",
    "torch gru reset": "gru.reset",
    "unbiased running variance": "batch-norm-update.variance",
    "batch norm running variance": "batch-norm-update.variance",
    "adam default epsilon": "adam.epsilon-default",
    "adam epsilon": "adam.epsilon-position",
    "relu derivative at zero": "relu.gradient-at-zero",
    "max pooling ties gradient": "max-pool.tie",
    "rope interleaved or halves": "rotary-positions.pairs",
    "fully masked row": "attention.no-keys",
    "masked row nan": "attention.no-keys",
    "early stopping patience": "early-stopping.stop",
    "keras early stopping patience": "early-stopping.stop",
}


@pytest.fixture(scope="module")
def search(site):
    """The entries that the search lists for some words, best first, once all the text is loaded."""
    quickjs = pytest.importorskip("quickjs")
    context = quickjs.Context()
    for script in ("assets/generated/minisearch.js", "assets/search.js", "search/titles.js", "search/text.js"):
        context.eval((site / script).read_text(encoding="utf-8"))
    context.eval("const found = nnspecFinder(MiniSearch, nnspecSearch.titles)")
    context.eval("function ask(words) { return JSON.stringify(found.find(words)) }")
    before = json.loads(context.get("ask")("dying relu"))
    context.eval("found.add(nnspecSearch.text)")

    def run(words: str) -> list[dict[str, str]]:
        return json.loads(context.get("ask")(words))

    assert before[0] == run("dying relu")[0], "what is loaded later does not move the first hit"
    return run


@pytest.mark.parametrize("words", WANTED)
def test_the_page_that_answers_is_the_first(search, words):
    assert search(words)[0]["address"].partition("#")[0] == f"spec/{WANTED[words]}.html"


@pytest.mark.parametrize("words", CLAUSES)
def test_the_clause_that_answers_is_the_first(search, words):
    assert search(words)[0]["address"].endswith(f"#{CLAUSES[words]}")


@pytest.mark.parametrize("words", ELSEWHERE)
def test_guides_and_results_are_found(search, words):
    assert search(words)[0]["address"] == ELSEWHERE[words]


def test_every_id_of_a_clause_leads_to_the_clause(search, site):
    ids = json.loads((site / "data" / "clauses.json").read_text(encoding="utf-8"))["clauses"]
    assert len(ids) > 1000
    for name in list(ids)[::7]:
        assert search(name)[0]["address"].endswith(f"#{name}")


def test_what_only_the_text_says_is_found(search):
    assert search("Rumelhart Hinton Williams")[0]["address"].startswith("spec/")


def test_what_nobody_says_is_not_found(search):
    assert search("zyzzyva") == []


def test_an_address_is_listed_once(search):
    found = [hit["address"] for hit in search("relu")]
    assert len(found) == len(set(found)) > 10


def _rows(site, file: str) -> list[list]:
    return json.loads((site / "search" / f"{file}.js").read_text(encoding="utf-8").partition("] = ")[2].rstrip(";\n"))


def test_code_is_found_by_its_name_alone_and_wrong_implementations_not_at_all(site):
    rows = _rows(site, "titles")
    longer = {number for number, _ in _rows(site, "text")}
    assert sum(row[1] == "code" for row in rows) > 100
    assert not any(row[1] in ("code", "result") for number, row in enumerate(rows) if number in longer)
    assert not any(row[0].startswith("results/mutants") for row in rows)


def test_what_is_loaded_first_is_light(site):
    raw = (site / "search" / "titles.js").read_bytes()
    assert len(gzip.compress(raw, 9)) <= TITLES
