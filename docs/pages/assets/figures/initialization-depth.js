// The mean square of the signal over fifty ReLU layers: a line in theory, dots of three networks of the chosen width.
nnFigure("initialization-depth", ({ numbers, range, choice, number }) => {
  const { high, measured } = numbers;
  const widths = Object.keys(measured);
  const units = choice("units", widths, numbers.width);
  const layers = measured[widths[0]][0].length - 1;
  const scale = range("fan-in × variance", 1, 4, 0.05, numbers.scale, (v) => number(v, 2));
  const layer = range("layer", 1, layers, 1, layers);
  const looks = ["f0", "f1", "f2"];

  return (width) => {
    const [left, top, tall] = [44, 30, 220];
    const wide = width - left - 12;
    const each = Math.log2(scale.value / 2);
    const x = (l) => (left + (l / layers) * wide).toFixed(1);
    const y = (v) => (top + ((high - v) / (2 * high)) * tall).toFixed(1);
    const seen = (v) => Math.abs(v) <= high;
    let svg = `<text class="strong" x="2" y="13">mean square of the signal</text>`;
    for (const v of [-40, -20, 0, 20, 40]) {
      svg += `<line class="grid" x1="${left}" x2="${left + wide}" y1="${y(v)}" y2="${y(v)}"/>
        <text x="${left - 6}" y="${Number(y(v)) + 4}" text-anchor="end">2<tspan dy="-5" font-size="10">${v < 0 ? "−" : ""}${Math.abs(v)}</tspan></text>`;
    }
    for (let l = 0; l <= layers; l += 10) svg += `<text x="${x(l)}" y="${top + tall + 18}" text-anchor="middle">${l}</text>`;
    svg += `<line class="axis" x1="${x(layer.value)}" x2="${x(layer.value)}" y1="${top}" y2="${top + tall}"/>`;
    const rows = measured[units.value].map((row, i) => {
      const dots = row.map((v, l) => v + l * each);
      svg += dots.map((v, l) => (seen(v) ? `<circle class="${looks[i]}" r="2" cx="${x(l)}" cy="${y(v)}"/>` : "")).join("");
      return `<tr><th scope="row"><svg width="12" height="10" aria-hidden="true"><circle class="${looks[i]}" r="4" cx="6" cy="5"/></svg> network ${i + 1}</th><td>${number(dots[layer.value], 2)}</td></tr>`;
    });
    svg += `<path class="ink" fill="none" d="M${x(0)} ${y(0)}L${x(layers)} ${y(layers * each)}"/>`;
    const text = `<table class="nn-numbers"><tr><th></th><th>doublings in ${layer.value}</th></tr>
      <tr><th scope="row">in theory</th><td>${number(layer.value * each, 2)}</td></tr>${rows.join("")}</table>
      <p class="line">a layer of ${units.value} units multiplies it by ${number(scale.value / 2, 3)}, give or take ${number((scale.value / 2) * Math.sqrt(5 / units.value), 3)}</p>`;
    return { height: top + tall + 26, svg, text };
  };
});
