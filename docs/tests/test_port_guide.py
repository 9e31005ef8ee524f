"""The guide "Port a layer from PyTorch" shows what the program prints. NNSPEC_UPDATE_GUIDES=1 writes what it prints."""

from __future__ import annotations

import os
import re
import runpy
import sys

import pytest

from nnspec_conformance import cli
from nnspec_site.assets import PAGES

GUIDE = PAGES / "guides" / "port-from-pytorch.md"
CHECK = "check port.py gelu.form dense-native.kernel lstm-native.packing"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that holds the guide's files as it first shows them."""
    for name, code in re.findall(r'```python title="(.*?)"\n(.*?)```', GUIDE.read_text(encoding="utf-8"), re.S):
        (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mend(folder) -> None:
    """Put the guide's two corrections into the port."""
    text = GUIDE.read_text(encoding="utf-8")
    gelu, split = re.findall(r"```python\n(.*?)```", text.partition("## 3.")[2].partition("## 4.")[0], re.S)
    code = (folder / "port.py").read_text(encoding="utf-8")
    assert gelu.splitlines()[0] in code
    code = code.replace("    return jax.nn.gelu(x)\n", gelu.splitlines()[1] + "\n")
    mended = re.sub(r" +i, o, f, g = .*\n", split, code)
    assert mended != code
    (folder / "port.py").write_text(mended, encoding="utf-8")


def compare(command: str, place: int, printed: list[str]) -> None:
    """Hold what the guide shows below the command's n-th mention to what was printed."""
    text = GUIDE.read_text(encoding="utf-8")
    found = list(re.finditer(rf"```console\n\$ {re.escape(command)}\n(.*?)```", text, re.S))[place]
    if os.environ.get("NNSPEC_UPDATE_GUIDES"):
        shown = "\n".join(printed) + "\n"
        GUIDE.write_text(text[: found.start(1)] + shown + text[found.end(1) :], encoding="utf-8")
        return
    shown = found.group(1).strip().splitlines()
    assert unmeasured(printed) == unmeasured(shown)
    assert ratios(printed) == pytest.approx(ratios(shown), rel=0.05)  # processors differ in the last places of a sum


def unmeasured(lines: list[str]) -> list[str]:
    return [re.sub(r"[\d.]+ (s\)|of allowed)", r"\1", line).rstrip() for line in lines]


def ratios(lines: list[str]) -> list[float]:
    return [float(number) for number in re.findall(r"([\d.]+) of allowed", "\n".join(lines))]


def test_the_mistakes_are_named(folder, capsys):
    assert cli.main(CHECK.split()) == 1
    compare(f"nnspec {CHECK}", 0, capsys.readouterr().out.strip().splitlines())


def test_the_mended_port_passes(folder, capsys):
    mend(folder)
    assert cli.main(CHECK.split()) == 0
    compare(f"nnspec {CHECK}", 1, capsys.readouterr().out.strip().splitlines())


def test_the_layout_is_found(folder, capsys):
    assert cli.main(["identify", "port.py"]) == 1
    printed = [line for line in capsys.readouterr().out.splitlines() if "not implemented" not in line]
    compare("nnspec identify port.py", 0, printed)


def test_the_trained_layer_computes_the_same(folder, capsys, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    mend(folder)
    monkeypatch.syspath_prepend(folder)
    sys.modules.pop("port", None)  # that of another folder
    runpy.run_path("load.py", run_name="__main__")
    compare("python load.py", 0, capsys.readouterr().out.strip().splitlines())


def test_the_converters_take_what_pytorch_gives():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    code = re.findall(r"```python\n(from nnspec.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)[0]
    names: dict = {"trained": torch.nn.LSTM(3, 5)}
    exec(code, names)
    assert {"ii.kernel", "hi.kernel", "hi.bias"} <= set(names["flax"])


ENCODER = "check layer.py encoders.value[encoder_layer] encoders.lengths[encoder_layer]"


def mend_the_layer(folder) -> None:
    """Put the guide's norm into the encoder layer."""
    text = GUIDE.read_text(encoding="utf-8")
    (norm,) = re.findall(r"```python\n(def normalized.*?)```", text, re.S)
    code = (folder / "layer.py").read_text(encoding="utf-8")
    mended = re.sub(r"def normalized.*?\n\n", lambda _: norm + "\n", code, count=1, flags=re.S)
    assert mended != code
    (folder / "layer.py").write_text(mended, encoding="utf-8")


def test_the_mistake_in_the_encoder_layer_is_named(folder, capsys):
    assert cli.main(ENCODER.split()) == 1
    printed = [line for line in capsys.readouterr().out.splitlines() if re.search("FAIL|error", line)]
    compare(f'nnspec {ENCODER} | grep -E "FAIL|error"', 0, printed)


def test_the_mended_encoder_layer_passes(folder, capsys):
    mend_the_layer(folder)
    assert cli.main(ENCODER.split()) == 0
    compare(f"nnspec {ENCODER}", 0, capsys.readouterr().out.strip().splitlines())


def test_the_encoder_layer_computes_the_same(folder, capsys, monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'nnspec[torch]'")
    mend_the_layer(folder)
    monkeypatch.syspath_prepend(folder)
    sys.modules.pop("layer", None)  # that of another folder
    runpy.run_path("encoder.py", run_name="__main__")
    compare("python encoder.py", 0, capsys.readouterr().out.strip().splitlines())
