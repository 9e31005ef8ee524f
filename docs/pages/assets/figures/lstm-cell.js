// One cell step by step: what it reads, keeps and shows, and its four gates as bars with their values.
nnFigure("lstm-cell", ({ numbers, range, number }) => {
  const { kernels, recurrent, biases, values, first } = numbers;
  const steps = values.length;
  const step = range("step", 1, steps, 1, 5, (n) => `${n} of ${steps}`);
  const bias = range("forget bias", -2, 6, 0.5, biases.f);
  const second = range("second write", 4, steps, 1, numbers.second);
  const names = { i: "input gate i", f: "forget gate f", g: "candidate g", o: "output gate o" };
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));

  function run() {
    let [h, c] = [0, 0];
    return values.map((v, k) => {
      const write = k + 1 === first || k + 1 === second.value ? 1 : 0;
      const gate = {};
      for (const name of Object.keys(names)) {
        const b = name === "f" ? bias.value : biases[name];
        const z = v * kernels[name][0] + write * kernels[name][1] + h * recurrent[name] + b;
        gate[name] = name === "g" ? Math.tanh(z) : sigmoid(z);
      }
      const before = c;
      c = gate.f * c + gate.i * gate.g;
      h = gate.o * Math.tanh(c);
      return { v, gate, before, c, h };
    });
  }

  return (width) => {
    const found = run();
    const now = found[step.value - 1];
    const [left, right, top, high] = [70, width - 12, 24, 130];
    const low = top + high;
    const most = Math.max(1, ...found.map(({ c }) => Math.abs(c)));
    const x = (t) => left + ((t - 0.5) / steps) * (right - left);
    const y = (value) => top + high / 2 - (value / most) * (high / 2);
    let svg = '<text class="strong" x="' + left + '" y="14">value read (bars), <tspan class="f0">cell</tspan> and <tspan class="f1">state</tspan></text>';
    [-most, 0, most].forEach((value) => {
      svg += `<line class="grid" x1="${left}" x2="${right}" y1="${y(value)}" y2="${y(value)}"/>
        <text class="small" x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${number(value, 1)}</text>`;
    });
    const bar = (right - left) / steps / 2;
    values.forEach((v, k) => {
      const writes = k + 1 === first || k + 1 === second.value;
      svg += `<rect class="${writes ? "f3" : "f3 pale"}" x="${x(k + 1) - bar / 2}" width="${bar}" y="${Math.min(y(0), y(v))}" height="${Math.abs(y(v) - y(0))}"/>`;
      if (k % 5 === 4) svg += `<text class="small" x="${x(k + 1)}" y="${low + 16}" text-anchor="middle">${k + 1}</text>`;
    });
    const shown = found.slice(0, step.value);
    ["c", "h"].forEach((name, n) => {
      svg += `<path class="s${n}" d="M${shown.map((one, k) => `${x(k + 1)} ${y(one[name])}`).join("L")}"/>
        <circle class="f${n}" cx="${x(step.value)}" cy="${y(now[name])}" r="4"/>`;
    });
    // The gates: a bar from 0 to the value, in a frame from 0 to 1, or from -1 to 1 for the candidate.
    const [start, end, row] = [Math.min(120, width / 3), width - 60, 24];
    Object.keys(names).forEach((name, n) => {
      const at = low + 34 + n * row;
      const zero = name === "g" ? (start + end) / 2 : start;
      const to = zero + now.gate[name] * (end - zero);
      svg += `<text class="small" x="${start - 8}" y="${at + 12}" text-anchor="end">${names[name]}</text>
        <line class="grid" x1="${start}" x2="${end}" y1="${at + 8}" y2="${at + 8}"/>
        <rect class="f${n}" x="${Math.min(zero, to)}" y="${at}" width="${Math.abs(to - zero)}" height="16"/>
        <text class="small" x="${end + 8}" y="${at + 12}">${number(now.gate[name], 3)}</text>`;
    });
    const { i, f, g, o } = now.gate;
    const text = `<p class="line">Step ${step.value}: cell ${number(f, 3)} · ${number(now.before, 3)} + ${number(i, 3)} · ${number(g, 3)} = ${number(now.c)}. State ${number(o, 3)} · tanh of the cell = ${number(now.h)}.</p>`;
    return { height: low + 34 + 4 * row, svg, text };
  };
});
