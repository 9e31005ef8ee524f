// Five learning rates with the peak 1; the reader sets how long they rise, where they end, and how long the first cycle is.
nnFigure("schedule-warmup", ({ numbers, range, number }) => {
  const warmup = range("warm-up", 2, 40, 1, numbers.warmup);
  const end = range("end", 0, 0.5, 0.05, numbers.end);
  const cycle = range("first cycle", 2, 40, 1, numbers.cycle);
  const step = range("step", 0, numbers.steps, 1, 30);
  const color = (i) => (i < 4 ? `s${i}` : "ink");
  const half = (x, high, low) => low + ((high - low) * (1 + Math.cos(Math.PI * x))) / 2;
  const rise = (t) => numbers.start + ((1 - numbers.start) * t) / warmup.value;
  const left = () => numbers.steps - warmup.value;
  const kinds = [
    ["warm-up, cosine", (t) => (t < warmup.value ? rise(t) : half(Math.min((t - warmup.value) / left(), 1), 1, end.value))],
    ["warm-up, constant, decay", (t) => {
      const stable = Math.floor(left() / 2);
      const top = warmup.value + stable;
      if (t < warmup.value) return rise(t);
      return t < top ? 1 : 1 + (end.value - 1) * Math.min((t - top) / (left() - stable), 1);
    }],
    ["inverse root", (t) => Math.min((t + 1) / warmup.value, Math.sqrt(warmup.value / (t + 1)))],
    ["restarts", (t) => {
      let [since, length] = [t, cycle.value];
      while (since >= length) [since, length] = [since - length, 2 * length];
      return half(since / length, 1, end.value);
    }],
    ["one cycle", (t) => (t < warmup.value ? half(t / warmup.value, numbers.start, 1) : half((t - warmup.value) / left(), 1, numbers.start / numbers.divisor))],
  ];

  return (width) => {
    const [left, top, tall] = [34, 14, 170];
    const x = (t) => left + (t / numbers.steps) * (width - left - 8);
    const y = (rate) => top + (1 - rate) * tall;
    let svg = "";
    for (const rate of [0, 0.5, 1]) {
      svg += `<line class="grid" x1="${left}" x2="${width - 8}" y1="${y(rate)}" y2="${y(rate)}"/>
        <text class="small" x="${left - 6}" y="${y(rate) + 4}" text-anchor="end">${rate}</text>`;
    }
    svg += `<line class="axis" x1="${x(step.value)}" x2="${x(step.value)}" y1="${top}" y2="${top + tall}"/>`;
    kinds.forEach(([, rate], i) => {
      const points = [];
      for (let t = 0; t <= numbers.steps; t += 1) points.push(`${x(t).toFixed(1)} ${y(rate(t)).toFixed(1)}`);
      svg += `<path class="${color(i)}" style="stroke-width:1.5" d="M${points.join("L")}"/>`;
    });
    svg += `<text class="small" x="${x(numbers.steps)}" y="${top + tall + 16}" text-anchor="end">step ${numbers.steps}</text>`;
    const rows = kinds.map(([name, rate], i) => `<tr><th><svg width="22" height="8" aria-hidden="true"><line class="${color(i)}" x1="0" x2="22" y1="4" y2="4" style="stroke-width:2"/></svg> ${name}</th><td>${number(rate(step.value), 4)}</td></tr>`);
    return { height: top + tall + 22, svg, text: `<table class="nn-numbers">${rows.join("")}</table>` };
  };
});
