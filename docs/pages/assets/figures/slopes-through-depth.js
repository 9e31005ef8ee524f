// The product of an activation's slopes through n layers, which the gradient of the first layer has as a factor.
nnFigure("slopes-through-depth", ({ numbers, range, number }) => {
  const LAYERS = 60;
  const LOW = -45; // powers of ten that are drawn
  const NORMAL = Math.log10(2 ** -126); // the smallest normal number of float32
  const depth = range("layers", 1, LAYERS, 1, 20);
  const at = range("sum z in every layer", numbers.z[0], numbers.z.at(-1), numbers.z[1] - numbers.z[0], 0.5);
  const names = Object.keys(numbers.slopes);

  function scientific(v) {
    if (v === 0 || v >= 1e-3) return number(Number(v.toPrecision(3)), 5);
    const [digits, exponent] = v.toExponential(2).split("e");
    return `${digits}\u00b710<sup>\u2212${exponent.slice(1)}</sup>`;
  }

  return (width) => {
    const [left, top, high] = [52, 24, 230];
    const wide = width - left - 12;
    const x = (layer) => left + (layer / LAYERS) * wide;
    const y = (power) => top + (power / LOW) * high;
    const power = (tens) => `10<tspan dy="-5" class="small">${number(tens)}</tspan>`;
    let svg = `<text class="strong" x="2" y="13">product of the slopes</text>`;
    for (let tens = 0; tens >= LOW; tens -= 10) {
      svg += `<line class="grid" x1="${left}" x2="${left + wide}" y1="${y(tens)}" y2="${y(tens)}"/>
        <text x="${left - 6}" y="${y(tens) + 4}" text-anchor="end">${tens ? power(tens) : 1}</text>`;
    }
    for (let layer = 0; layer <= LAYERS; layer += 20) {
      svg += `<text x="${x(layer)}" y="${top + high + 18}" text-anchor="middle">${layer}</text>`;
    }
    svg += `<text x="${x(50)}" y="${top + high + 18}" text-anchor="middle">layers</text>
      <line class="axis" stroke-dasharray="4 3" x1="${left}" x2="${left + wide}" y1="${y(NORMAL)}" y2="${y(NORMAL)}"/>
      <text x="${left + 6}" y="${y(NORMAL) + 14}">below float32\u2019s normal numbers</text>`;
    const i = Math.round((at.value - numbers.z[0]) / (numbers.z[1] - numbers.z[0]));
    let rows = "";
    const lines = names.map((name, k) => {
      const slope = numbers.slopes[name][i];
      const product = slope ** depth.value;
      rows += `<tr><th scope="row"><svg width="22" height="10"><line class="s${k}" x2="22" y1="5" y2="5"${dash(k)}/></svg> ${name}</th>
        <td>${scientific(slope)}</td><td>${scientific(product)}</td></tr>`;
      const last = slope === 0 ? 2 * LOW : Math.log10(slope) * depth.value; // a slope of 0 falls off the chart at once
      const end = slope === 0 ? 1 : depth.value;
      return `<line class="s${k}" x1="${x(0)}" y1="${y(0)}" x2="${x(end)}" y2="${y(last)}"${dash(k)}/>
        <circle class="f${k}" r="4" cx="${x(end)}" cy="${y(last)}"/>`;
    });
    svg += `<svg x="${left - 4}" y="${top - 4}" width="${wide + 8}" height="${high + 4}"
      viewBox="${left - 4} ${top - 4} ${wide + 8} ${high + 4}">${lines.join("")}</svg>`;
    const text = `<table class="nn-numbers"><tr><th>function</th><th>slope at ${number(at.value)}</th><th>product of ${depth.value}</th></tr>${rows}</table>`;
    return { height: top + high + 26, svg, text };
  };

  // Lines that lie on one another are told apart.
  function dash(k) {
    return ["", ' stroke-dasharray="9 5"', ' stroke-dasharray="3 4"'][k];
  }
});
