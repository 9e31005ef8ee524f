"""What the guides show is what the program prints. NNSPEC_UPDATE_GUIDES=1 writes what it prints into the guide."""

from __future__ import annotations

import os
import re

import pytest

from nnspec_conformance import cli
from nnspec_site.assets import PAGES

GUIDE = PAGES / "guides" / "test-your-implementation.md"


@pytest.fixture
def guide(tmp_path, monkeypatch):
    """The guide's text, in a folder that holds its adapter."""
    text = GUIDE.read_text(encoding="utf-8")
    code = re.findall(r'```python title="my_adapter.py"\n(.*?)```', text, re.S)[0]
    (tmp_path / "my_adapter.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return text


def shown(guide: str, command: str, printed: list[str]) -> list[str]:
    """The lines that the guide shows below a command."""
    block = re.findall(rf"```console\n\$ {re.escape(command)}\n(.*?)```", guide, re.S)[0]
    if os.environ.get("NNSPEC_UPDATE_GUIDES"):
        GUIDE.write_text(GUIDE.read_text(encoding="utf-8").replace(block, "\n".join(printed) + "\n"), encoding="utf-8")
        return printed
    return block.strip().splitlines()


def untimed(lines: list[str]) -> list[str]:
    return [re.sub(r"[\d.]+ s\)", "s)", line).rstrip() for line in lines]


def test_check(guide, capsys):
    arguments = ["check", "my_adapter.py", "activation.nan", "gelu.form"]
    assert cli.main(arguments) == 1
    printed = capsys.readouterr().out.strip().splitlines()
    assert untimed(printed) == untimed(shown(guide, f"nnspec {' '.join(arguments)}", printed))


def test_identify(guide, capsys):
    assert cli.main(["identify", "my_adapter.py"]) == 1  # it declares nothing, so the definition's
    printed = [line for line in capsys.readouterr().out.splitlines() if "not implemented" not in line]
    assert printed == shown(guide, "nnspec identify my_adapter.py", printed)


def test_jax_adapter(tmp_path, capsys):
    pytest.importorskip("jax")
    code = re.findall(r'```python title="jax_adapter.py"\n(.*?)```', GUIDE.read_text(encoding="utf-8"), re.S)[0]
    (tmp_path / "jax_adapter.py").write_text(code, encoding="utf-8")
    clauses = ["gelu.form", "activation.gradient[gelu]", "activation.nan[gelu]"]
    assert cli.main(["check", str(tmp_path / "jax_adapter.py"), *clauses]) == 0
    assert "3 pass" in capsys.readouterr().out


def test_torch_adapter(tmp_path, capsys):
    pytest.importorskip("torch")
    text = (PAGES / "guides" / "write-an-adapter.md").read_text(encoding="utf-8")
    code = re.findall(r'```python title="torch_adapter.py"\n(.*?)```', text, re.S)[0]
    (tmp_path / "torch_adapter.py").write_text(code, encoding="utf-8")
    clauses = ["relu.value", "activation.gradient", "activation.second-derivative"]
    assert cli.main(["check", str(tmp_path / "torch_adapter.py"), *clauses]) == 0
    assert " 5 pass, " in capsys.readouterr().out
