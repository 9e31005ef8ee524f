// A network whose inputs and hidden units drop as the reader clicks; its answer, and the mean answers over all masks.
nnFigure("dropout-network", ({ numbers, range, number }) => {
  const { x, kernels } = numbers;
  const counts = [x.length, ...kernels.map((kernel) => kernel[0].length)];
  const first = counts.map((_, c) => counts.slice(0, c).reduce((a, b) => a + b, 0)); // bit of a layer's first unit
  const units = first.at(-1);
  const bits = (mask) => [...Array(units).keys()].filter((i) => (mask >> i) & 1).length;
  const rate = range("rate", 0, 0.9, 0.1, numbers.rate);
  const mask = range("mask", 0, 2 ** units - 1, 1, numbers.dropped, (n) => `${bits(n)} of ${units} dropped`);

  // What each layer holds behind its dropout; the output has none.
  function values(dropped, p) {
    let held = x;
    const all = [];
    for (let c = 0; c < counts.length; c += 1) {
      if (c) {
        const sums = [...Array(counts[c]).keys()].map((j) => held.reduce((sum, h, i) => sum + h * kernels[c - 1][i][j], 0));
        held = c === counts.length - 1 ? sums : sums.map((z) => Math.max(z, 0));
      }
      if (c < counts.length - 1) held = held.map((h, i) => ((dropped >> (first[c] + i)) & 1 ? 0 : h / (1 - p[c])));
      all.push(held);
    }
    return all;
  }
  const answer = (dropped, p) => values(dropped, p).at(-1)[0];

  // The mean over all masks of one layer, each with its probability.
  function mean(layer) {
    const p = [0, 1].map((c) => (c === layer ? rate.value : 0));
    let sum = 0;
    for (let m = 0; m < 2 ** counts[layer]; m += 1) {
      const n = bits(m);
      sum += rate.value ** n * (1 - rate.value) ** (counts[layer] - n) * answer(m << first[layer], p);
    }
    return sum;
  }

  const still = [0, 0];
  const canvas = document.querySelector('figure[data-moving="dropout-network"] .nn-canvas');
  canvas.addEventListener("click", (event) => {
    const unit = event.target.closest("[data-unit]");
    if (!unit) return;
    mask.input.value = mask.value ^ (1 << Number(unit.dataset.unit));
    mask.input.dispatchEvent(new Event("input"));
  });

  return (width) => {
    const wide = Math.min(width, 480);
    const [left, top, gap, r] = [(width - wide) / 2 + 30, 150, 64, 22];
    const place = (c, i) => [left + (c * (wide - 60)) / 2, top + (i - (counts[c] - 1) / 2) * gap];
    const both = [rate.value, rate.value];
    const held = values(mask.value, both);
    const gone = (c, i) => c < counts.length - 1 && (mask.value >> (first[c] + i)) & 1;
    let svg = "";
    kernels.forEach((kernel, c) => kernel.forEach((row, i) => row.forEach((weight, j) => {
      if (gone(c, i) || gone(c + 1, j)) return;
      const [[ax, ay], [bx, by]] = [place(c, i), place(c + 1, j)];
      svg += `<line class="${weight > 0 ? "s0" : "s1"}" style="stroke-width:${Math.abs(weight)}" x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"/>`;
    })));
    counts.forEach((count, c) => {
      svg += `<text class="strong" x="${place(c, 0)[0]}" y="14" text-anchor="middle">${["inputs", "hidden", "output"][c]}</text>`;
      for (let i = 0; i < count; i += 1) {
        const [cx, cy] = place(c, i);
        const [off, drops] = [gone(c, i), c < counts.length - 1];
        const d = 0.5 * r;
        svg += `<g${drops ? ` data-unit="${first[c] + i}" style="cursor:pointer"` : ""}><circle class="empty ${off ? "axis" : "ink"}" r="${r}" cx="${cx}" cy="${cy}"/>`;
        svg += off
          ? `<path class="axis" d="M${cx - d} ${cy - d}L${cx + d} ${cy + d}M${cx - d} ${cy + d}L${cx + d} ${cy - d}"/></g>`
          : `<text class="small" x="${cx}" y="${cy + 4}" text-anchor="middle">${number(held[c][i], 1)}</text></g>`;
      }
    });
    const rows = [
      ["without dropout", answer(0, still)],
      ["with this mask", answer(mask.value, both)],
      ["mean, masks of hidden", mean(1)],
      ["mean, masks of inputs", mean(0)],
    ].map(([name, value]) => `<tr><th>${name}</th><td>${number(value)}</td></tr>`);
    return { height: 2 * top - 12, svg, text: `<table class="nn-numbers">${rows.join("")}</table>` };
  };
});
