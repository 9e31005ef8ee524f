// Batch gradient descent on the page's example: the rate decides whether the path creeps, jumps or leaves.
nnFigure("batch-rates", ({ numbers, range, number }) => {
  const { w, b, start, least, floor, products, levels, lipschitz } = numbers;
  const rate = range("learning rate", 0.02, 0.74, 0.01, 0.57, (v) => number(v, 2));
  const updates = range("updates", 0, 20, 1, 8);

  const slope = ([x, y]) => products.map(([p, q]) => p * (x - least[0]) + q * (y - least[1]));
  function path() {
    const found = [start];
    for (let t = 0; t < updates.value; t += 1) {
      const g = slope(found.at(-1));
      found.push(found.at(-1).map((v, i) => v - rate.value * g[i]));
    }
    return found;
  }
  function loss(point) {
    const g = slope(point);
    return floor + (g[0] * (point[0] - least[0]) + g[1] * (point[1] - least[1])) / 2;
  }

  return (width) => {
    const wide = Math.min(width, 520);
    const tall = wide * 0.62;
    const left = (width - wide) / 2;
    const px = (v) => ((v - w[0]) / (w[1] - w[0])) * wide;
    const py = (v) => ((b[1] - v) / (b[1] - b[0])) * tall;
    const clamp = (v) => Math.max(-1e4, Math.min(1e4, v)); // a path that leaves goes very far
    const line = (points) => "M" + points.map(([x, y]) => `${clamp(px(x)).toFixed(1)} ${clamp(py(y)).toFixed(1)}`).join("L");
    const rings = levels.map((ring) => `<path class="axis" fill="none" d="${line(ring)}"/>`).join("");
    const done = path();
    const dots = done.map(([x, y], i) => `<circle class="f0" r="${i === done.length - 1 ? 5 : 3}" cx="${clamp(px(x))}" cy="${clamp(py(y))}"/>`);
    const svg = `<text class="strong" x="${left + 2}" y="14">loss of w (across) and b (upwards)</text>
      <svg x="${left}" y="22" width="${wide}" height="${tall}" viewBox="0 0 ${wide} ${tall}">${rings}
      <path class="s0" fill="none" d="${line(done)}"/>${dots.join("")}
      <path class="ink" d="M${px(least[0]) - 6} ${py(least[1])}h12m-6 -6v12"/></svg>`;
    const limit = 2 / lipschitz;
    const word = rate.value < 1 / lipschitz ? "below 1/L: no jump across the valley" : rate.value < limit ? "between 1/L and 2/L: it jumps, and arrives" : "above 2/L: every jump is longer than the last";
    const [x, y] = done.at(-1);
    const text = `<table class="nn-numbers"><tr><th>${updates.value} updates</th><th>w</th><th>b</th><th>loss</th></tr>
      <tr><th scope="row">rate ${number(rate.value, 2)}</th><td>${number(x)}</td><td>${number(y)}</td><td>${number(loss(done.at(-1)))}</td></tr></table>
      <p class="line">${word}</p>`;
    return { height: tall + 24, svg, text };
  };
});
