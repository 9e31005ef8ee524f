// Any of the activation functions: its value, slope and tangent at x, and what two dtypes make of the value.
nnFigure("activation-explorer", ({ numbers, range, choice, number }) => {
  const { x: places, functions, dtypes } = numbers;
  const [first, last, step] = [places[0], places.at(-1), places[1] - places[0]];
  const name = choice("function", Object.keys(functions), "gelu");
  const at = range("input x", first, last, step, 1);

  // A number with so many digits; tiny ones with a power of ten.
  function read(v, digits) {
    if (v === 0 || Math.abs(v) >= 1e-3) return String(Number(v.toPrecision(digits))).replace("-", "\u2212");
    const [mantissa, exponent] = v.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}\u00b710<sup>${exponent}</sup>`.replaceAll("-", "\u2212");
  }

  return (width) => {
    const f = functions[name.value];
    const i = Math.round((at.value - first) / step);
    const [value, slope] = [f.value[i], f.slope[i]];
    const bounded = Math.max(...f.value) <= 1;
    const [low, high, lines] = bounded ? [-1.25, 1.25, [-1, 0, 1]] : [-3, 8, [-2, 0, 2, 4, 6, 8]];
    const [left, top, tall] = [26, 8, 250];
    const wide = width - left - 10;
    const px = (v) => left + ((v - first) / (last - first)) * wide;
    const py = (v) => top + ((high - v) / (high - low)) * tall;
    const curve = (values) => "M" + values.map((v, k) => `${px(places[k]).toFixed(1)} ${py(v).toFixed(1)}`).join("L");
    let svg = "";
    for (const v of lines) {
      svg += `<line class="${v ? "grid" : "axis"}" x1="${left}" x2="${left + wide}" y1="${py(v)}" y2="${py(v)}"/>
        <text x="${left - 6}" y="${py(v) + 4}" text-anchor="end">${number(v)}</text>`;
    }
    for (let v = first; v <= last; v += 4) {
      svg += `<line class="${v ? "grid" : "axis"}" x1="${px(v)}" x2="${px(v)}" y1="${top}" y2="${top + tall}"/>
        <text x="${px(v)}" y="${top + tall + 16}" text-anchor="middle">${number(v)}</text>`;
    }
    // The tangent is as long at every slope.
    const reach = 70 / Math.hypot(px(1) - px(0), slope * (py(0) - py(1)));
    const end = (sign) => [px(at.value + sign * reach), py(value + sign * reach * slope)];
    const [[ax, ay], [bx, by]] = [end(-1), end(1)];
    svg += `<svg x="${left}" y="${top}" width="${wide}" height="${tall}" viewBox="${left} ${top} ${wide} ${tall}">
      <path class="s0" d="${curve(f.value)}"/><path class="s1" stroke-dasharray="6 4" d="${curve(f.slope)}"/>
      <line class="s3" x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"/>
      <circle class="f3" r="5" cx="${px(at.value)}" cy="${py(value)}"/></svg>`;
    const rows = dtypes.map((dtype, k) => {
      const [v, ulps] = [Math.fround(f[dtype][0][i]), f[dtype][1][i]];
      return `<tr><th scope="row">${dtype}</th><td>${read(v, [9, 6][k])}</td><td>${read(Math.abs(v - value), 2)}</td><td>${number(ulps, 2)}</td></tr>`;
    });
    const key = (css, word) => `<th scope="row"><svg width="22" height="10"><line class="${css}" x2="22" y1="5" y2="5"
      ${css === "s1" ? 'stroke-dasharray="6 4"' : ""}/></svg> ${word}</th>`;
    const text = `<table class="nn-numbers"><tr><th>at ${number(at.value)}</th><th>value</th><th>distance</th><th>in ulp</th></tr>
      <tr>${key("s0", "exact")}<td>${read(value, 10)}</td><td></td><td></td></tr>${rows.join("")}
      <tr>${key("s1", "slope")}<td>${read(slope, 6)}</td><td></td><td></td></tr></table>`;
    return { height: top + tall + 22, svg, text };
  };
});
