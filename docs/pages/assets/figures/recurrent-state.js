// One input at the first step, then none: the state of two units step by step, and the gradient beside its bound.
nnFigure("recurrent-state", ({ numbers, range, number }) => {
  const { kernel, angle, steps } = numbers;
  const step = range("step", 0, steps, 1, steps, (n) => `${n} of ${steps}`);
  const c = range("factor c", 0.5, 1.5, 0.05, numbers.c);
  const input = range("input", 0.1, 3, 0.1, numbers.input);

  // The states and the norms of the Jacobians by the first state before the input, with the bounds.
  function run() {
    const [cos, sin] = [c.value * Math.cos(angle), c.value * Math.sin(angle)];
    const u = [[cos, sin], [-sin, cos]];
    let h = [0, 0];
    let j = [[1, 0], [0, 1]];
    const found = [{ h, norm: 1, bound: 1 }];
    for (let t = 1; t <= steps; t += 1) {
      const x = t === 1 ? input.value : 0;
      h = [0, 1].map((k) => Math.tanh(x * kernel[k] + h[0] * u[0][k] + h[1] * u[1][k]));
      j = j.map((row) => [0, 1].map((k) => (row[0] * u[0][k] + row[1] * u[1][k]) * (1 - h[k] * h[k])));
      found.push({ h, norm: largest(j), bound: c.value ** t });
    }
    return found;
  }

  // The largest singular value of two rows.
  function largest([[a, b], [d, e]]) {
    const [sum, det] = [a * a + b * b + d * d + e * e, a * e - b * d];
    return Math.sqrt((sum + Math.sqrt(Math.max(sum * sum - 4 * det * det, 0))) / 2);
  }

  return (width) => {
    const found = run().slice(0, step.value + 1);
    const [left, right, top, high, gap] = [56, width - 12, 24, 110, 46];
    const low = top + 2 * high + gap;
    const x = (t) => left + (t / steps) * (right - left);
    const upper = (v) => top + high / 2 - v * (high / 2);
    const lower = (v) => low - high / 2 - (Math.max(-4, Math.min(4, Math.log10(v || 1e-9))) / 4) * (high / 2);
    let svg = `<text class="strong" x="${left}" y="14">state: <tspan class="f0">unit 1</tspan>, <tspan class="f1">unit 2</tspan></text>
      <text class="strong" x="${left}" y="${top + high + gap - 12}"><tspan class="f2">norm of the gradient</tspan>, and in grey its bound</text>`;
    const line = (at, value, words) => {
      svg += `<line class="grid" x1="${left}" x2="${right}" y1="${at(value)}" y2="${at(value)}"/>
        <text class="small" x="${left - 6}" y="${at(value) + 4}" text-anchor="end">${words}</text>`;
    };
    [-1, 0, 1].forEach((v) => line(upper, v, number(v)));
    [1e-4, 1e-2, 1, 1e2, 1e4].forEach((v) => line(lower, v, number(v)));
    for (let t = 0; t <= steps; t += 5) {
      svg += `<text class="small" x="${x(t)}" y="${low + 16}" text-anchor="middle">${t}</text>`;
    }
    const path = (name, values) => `<path class="${name}" d="M${values.map((y, t) => `${x(t)} ${y}`).join("L")}"/>`;
    [0, 1].forEach((k) => {
      svg += path(`s${k}`, found.map(({ h }) => upper(h[k])));
    });
    svg += path("axis", found.map(({ bound }) => lower(bound))) + path("s2", found.map(({ norm }) => lower(norm)));
    const { h, norm, bound } = found.at(-1);
    [[upper(h[0]), "f0"], [upper(h[1]), "f1"], [lower(norm), "f2"]].forEach(([y, name]) => {
      svg += `<circle class="${name}" cx="${x(step.value)}" cy="${y}" r="4"/>`;
    });
    const text = `<p class="line">Step ${step.value}: state (${number(h[0])}, ${number(h[1])}). Gradient by the carry: norm ${number(norm)}, bound ${number(bound)}.</p>`;
    return { height: low + 22, svg, text };
  };
});
