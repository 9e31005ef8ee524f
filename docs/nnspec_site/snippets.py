"""A failing case as a few lines to paste, where it is one number put to an elementwise operation."""

from __future__ import annotations

import re

from nnspec_site.data import Report

CALL = re.compile(
    r"(?P<what>|gradient of |second derivative of )(?P<operation>\w+)"
    r"\((?P<dtype>float\d+|bfloat16)\[\d+\](?P<keywords>(?:, \w+=[^,\[\]()]+)*)\)"
)
INPUT = re.compile(r"(?P<value>\S+) at index \(\d+,\)")
COUNT = 64  # as many equal numbers: some kernels differ for short arrays
ASK = {
    "": "call({operation!r}, x{keywords})",
    "gradient of ": "vjp({operation!r}, (x,), np.ones_like(x){keywords})[0]",
    "second derivative of ": "second_derivative({operation!r}, x{keywords})",
}


def snippet(subject: str, worst: Report) -> str | None:
    """Python that shows the case on one's own machine; None where the case is not of that form."""
    call = CALL.fullmatch(str(worst.get("call", "")))
    given = INPUT.fullmatch(str(worst.get("input", "")))
    if call is None or given is None:
        return None
    half = call["dtype"] == "bfloat16"
    dtype = "ml_dtypes.bfloat16" if half else repr(call["dtype"])
    ask = ASK[call["what"]].format(operation=call["operation"], keywords=call["keywords"])
    told = "" if call["what"].startswith("gradient") else f"  # {worst['got']}, right is {worst['expected']}"
    lines = [
        *(["import ml_dtypes"] if half else []),
        "import numpy as np",
        "from nnspec_conformance.loading import load_subject",
        "",
        f"x = np.full({COUNT}, float({given['value']!r}), {dtype})",
        f"answer = load_subject({subject!r}).{ask}",
        f"print(answer[0]){told}",
    ]
    return "\n".join(lines)
