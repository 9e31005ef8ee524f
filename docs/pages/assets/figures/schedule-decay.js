// Five learning rates that decay from 1; the reader sets after how many steps they are halved, and where two of them end.
nnFigure("schedule-decay", ({ numbers, range, number }) => {
  const length = range("length", 2, 40, 1, numbers.length);
  const end = range("end", 0, 0.5, 0.05, numbers.end);
  const step = range("step", 0, numbers.steps, 1, 30);
  const color = (i) => (i < 4 ? `s${i}` : "ink");
  const part = (t) => Math.min(t / (3 * length.value), 1);
  const kinds = [
    ["step", (t) => 0.5 ** Math.floor(t / length.value)],
    ["exponential", (t) => 0.5 ** (t / length.value)],
    ["inverse time", (t) => 1 / (1 + t / length.value)],
    ["linear", (t) => end.value + (1 - end.value) * (1 - part(t))],
    ["cosine", (t) => end.value + ((1 - end.value) * (1 + Math.cos(Math.PI * part(t)))) / 2],
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
      for (let t = 0; t <= numbers.steps; t += i ? 1 : 0.1) points.push(`${x(t).toFixed(1)} ${y(rate(t)).toFixed(1)}`);
      svg += `<path class="${color(i)}" style="stroke-width:1.5" d="M${points.join("L")}"/>`;
    });
    svg += `<text class="small" x="${x(numbers.steps)}" y="${top + tall + 16}" text-anchor="end">step ${numbers.steps}</text>`;
    const rows = kinds.map(([name, rate], i) => `<tr><th><svg width="22" height="8" aria-hidden="true"><line class="${color(i)}" x1="0" x2="22" y1="4" y2="4" style="stroke-width:2"/></svg> ${name}</th><td>${number(rate(step.value), 4)}</td></tr>`);
    return { height: top + tall + 22, svg, text: `<table class="nn-numbers">${rows.join("")}</table>` };
  };
});
