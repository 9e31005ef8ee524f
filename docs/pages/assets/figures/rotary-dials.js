// A query and a key with all pairs of features at (1, 0), turned by their positions; their product by the distance.
nnFigure("rotary-dials", ({ numbers, range, number }) => {
  const { pairs, last } = numbers;
  const query = range("query at", 0, last, 1, numbers.query);
  const key = range("key at", 0, last, 1, numbers.key);
  const base = range("base", 1, 5, 0.5, Math.log10(numbers.base), (n) => number(10 ** n, 0));
  const angle = (p, i) => p * 10 ** ((-base.value * i) / pairs);
  const product = (k) => [...Array(pairs).keys()].reduce((sum, i) => sum + Math.cos(angle(k, i)), 0);

  return (width) => {
    const radius = Math.min(62, width / pairs / 2 - 10);
    const [left, right, top, high] = [44, width - 12, 2 * radius + 78, 120];
    let svg = `<text class="strong" x="0" y="14"><tspan class="f0">query at ${query.value}</tspan>, <tspan class="f1">key at ${key.value}</tspan></text>`;
    for (let i = 0; i < pairs; i += 1) {
      const [cx, cy] = [((i + 0.5) * width) / pairs, radius + 28];
      svg += `<circle class="grid" fill="none" cx="${cx}" cy="${cy}" r="${radius}"/>
        <text class="small" x="${cx}" y="${cy + radius + 18}" text-anchor="middle">pair ${i}</text>`;
      [query, key].forEach((token, k) => {
        const turned = angle(token.value, i);
        const [x, y] = [cx + radius * Math.cos(turned), cy - radius * Math.sin(turned)];
        svg += `<path class="s${k}" d="M${cx} ${cy}L${x} ${y}"/><circle class="f${k}" cx="${x}" cy="${y}" r="4"/>`;
      });
    }
    const x = (k) => left + (k / last) * (right - left);
    const y = (v) => top + high / 2 - (v / pairs) * (high / 2);
    svg += `<text class="strong" x="${left}" y="${top - 10}"><tspan class="f2">product</tspan> by distance</text>`;
    [-pairs, 0, pairs].forEach((v) => {
      svg += `<line class="grid" x1="${left}" x2="${right}" y1="${y(v)}" y2="${y(v)}"/>
        <text class="small" x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${number(v)}</text>`;
    });
    for (let k = 0; k <= last; k += 10) {
      svg += `<text class="small" x="${x(k)}" y="${top + high + 18}" text-anchor="middle">${k}</text>`;
    }
    const curve = [...Array(4 * last + 1).keys()].map((n) => `${x(n / 4)} ${y(product(n / 4))}`);
    const distance = Math.abs(query.value - key.value);
    svg += `<path class="s2" d="M${curve.join("L")}"/><circle class="f2" cx="${x(distance)}" cy="${y(product(distance))}" r="5"/>`;
    const text = `<p class="line">Distance ${distance}: product ${number(product(distance))} of ${pairs}.</p>`;
    return { height: top + high + 24, svg, text };
  };
});
