"""What a script of ``nnspec reproduce`` says whatever it is about: its head, and its functions."""

from __future__ import annotations

DERIVED = "The clause relates several answers; this shows the last of them, and what nnspec check made of all."
HEADER = '''"""{title}

{statement}
{spec}

Needs {needs}. Written by nnspec reproduce {subject} '{instance}'; measured with {version}.
"""
'''


TOOLS = '''

def numbers(x):
    if isinstance(x, dict):
        return {{name: numbers(one) for name, one in x.items()}}
    if isinstance(x, (tuple, list)):
        return tuple(numbers(one) for one in x)
    return None if x is None else np.asarray({take}(x))


def given(x):
    if isinstance(x, dict):
        return {{name: given(one) for name, one in x.items()}}
    if isinstance(x, (tuple, list)):
        return tuple(given(one) for one in x)
    return {give}(x) if isinstance(x, np.ndarray) else x


def leaves(x, path):
    if isinstance(x, dict):
        x = [(f"{{path}}[{{name!r}}]", one) for name, one in sorted(x.items())]
    elif isinstance(x, tuple):
        x = [(f"{{path}}[{{i}}]" if len(x) > 1 else path, one) for i, one in enumerate(x)]
    else:
        return [(path, x)]
    return [leaf for name, one in x for leaf in leaves(one, name)]


def tell(answer, right, allowed):
    """Where each array of the answer is off most, by what is allowed there; else the answer itself."""
    told = False
    wanted, within = dict(leaves(right, "answer")), dict(leaves(allowed, "answer"))
    for place, came in leaves(answer, "answer"):
        value = wanted.get(place)
        if value is None or came is None:
            continue
        if isinstance(value, str):  # a form: dtype and shape
            dtype, _, shape = value.partition(" ")
            kind = {{"i": "integer", "u": "integer", "b": "boolean"}}.get(came.dtype.kind)
            if dtype not in ("any", came.dtype.name, kind) or shape not in ("any", str(came.shape)):
                print(f"{{place}}: {{came.dtype}} of shape {{came.shape}}, right is {{dtype}} of shape {{shape}}")
                told = True
            continue
        if came.shape != value.shape:
            print(f"{{place}}: shape {{came.shape}}, right is {{value.shape}}")
            told = True
            continue
        came, value = came.astype(np.float64), value.astype(np.float64)
        with np.errstate(all="ignore"):
            same = (came == value) | (np.isnan(came) & np.isnan(value))
            same = same | np.isinf(within[place]) & (came * value > 0)
            off = np.where(same, 0, np.abs(came - value) / within[place])
        off = np.where(np.isnan(off), np.inf, off)
        if off.size and off.max() > 1:
            at = tuple(int(i) for i in np.unravel_index(off.argmax(), off.shape))
            print(f"{{place}}{{list(at)}}: {{float(came[at])!r}}, right is {{float(value[at])!r}}")
            told = True
    if not told:
        print(answer)


'''
