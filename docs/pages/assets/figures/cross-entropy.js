// Loss and gradient of one example, over the probability that is predicted for "yes".
nnFigure("cross-entropy", ({ numbers, range, choice, number }) => {
  const p = range("predicted probability p", 0.01, 0.99, 0.01, numbers.shown);
  const label = choice("label", ["1", "0"]);
  const loss = (v, y) => -Math.log(y ? v : 1 - v);

  return (width) => {
    const [left, right, top, high] = [34, width - 12, 24, 220];
    const x = (v) => left + v * (right - left);
    const y = (v) => top + ((5 - v) / 6.5) * high;
    const t = Number(label.value);
    const points = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
    const curve = `M${points.map((v) => `${x(v)} ${y(loss(v, t))}`).join("L")}`;
    const [value, slope] = [loss(p.value, t), p.value - t];
    let svg = "";
    for (const v of [-1, 0, 1, 2, 3, 4]) {
      svg += `<line class="${v ? "grid" : "axis"}" x1="${left}" x2="${right}" y1="${y(v)}" y2="${y(v)}"/>
        <text x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${number(v)}</text>`;
    }
    svg += `<path class="s0" d="${curve}" fill="none"/>
      <line class="s1" x1="${x(0)}" x2="${x(1)}" y1="${y(-t)}" y2="${y(1 - t)}"/>
      <circle class="f0" cx="${x(p.value)}" cy="${y(value)}" r="6"/><circle class="f1" cx="${x(p.value)}" cy="${y(slope)}" r="6"/>
      <text x="${(left + right) / 2}" y="14" text-anchor="middle">loss, and gradient for the logit</text>`;
    const text = `<table class="nn-numbers"><tr><th>logit</th><th>loss</th><th>gradient p \u2212 y</th></tr>
      <tr><td>${number(Math.log(p.value / (1 - p.value)))}</td><td>${number(value)}</td><td>${number(slope)}</td></tr></table>`;
    return { height: top + high + 12, svg, text };
  };
});
