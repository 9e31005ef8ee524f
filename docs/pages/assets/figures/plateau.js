// Noisy gradient descent on a quadratic: patience and cooldown decide when a measured loss cuts the rate.
nnFigure("plateau", ({ numbers, range, number }) => {
  const { steps, rate, factor, start, high, low, errors } = numbers;
  const patience = range("patience", 1, 12, 1, numbers.patience);
  const cooldown = range("cooldown", 0, 12, 1, numbers.cooldown);
  const noise = range("noise of an evaluation", 0.05, 1, 0.05, numbers.noise, (v) => number(v, 2));

  function train() {
    let [m, r, best, wait, rest] = [start, rate, Infinity, 0, 0];
    return errors.map((error) => {
      for (let i = 0; i < steps; i += 1) m = (1 - r) ** 2 * m + r ** 2;
      const measured = (m / 2) * Math.exp(noise.value * error);
      const better = measured < best;
      if (better) best = measured;
      wait = better || rest > 0 ? 0 : wait + 1;
      rest = Math.max(rest - 1, 0);
      const cut = wait >= patience.value;
      if (cut) [r, wait, rest] = [r * factor, 0, cooldown.value];
      return { loss: m / 2, measured, rate: r, cut };
    });
  }

  return (width) => {
    const [left, top, tall] = [56, 14, 230];
    const wide = width - left - 12;
    const run = train();
    const x = (t) => (left + (t / (run.length - 1)) * wide).toFixed(1);
    const y = (v) => (top + ((high - Math.max(Math.min(Math.log10(v), high), low)) / (high - low)) * tall).toFixed(1);
    let svg = "";
    for (let power = low; power <= high; power += 1) {
      const at = y(10 ** power);
      svg += `<line class="grid" x1="${left}" x2="${left + wide}" y1="${at}" y2="${at}"/>
        <text x="${left - 6}" y="${Number(at) + 4}" text-anchor="end">${number(10 ** power, 4)}</text>`;
    }
    for (let t = 0; t < run.length; t += 20) svg += `<text x="${x(t)}" y="${top + tall + 18}" text-anchor="middle">${t}</text>`;
    const dash = ' stroke-dasharray="6 4"';
    svg += run.map((e, t) => `<circle class="f0" r="2" cx="${x(t)}" cy="${y(e.measured)}"/>`).join("");
    svg += `<path class="s0" fill="none" d="M${run.map((e, t) => `${x(t)} ${y(e.loss)}`).join("L")}"/>`;
    svg += `<path class="s1" fill="none"${dash} d="${run.map((e, t) => (t ? `H${x(t)}V${y(e.rate)}` : `M${x(0)} ${y(rate)}`)).join("")}"/>`;
    const last = run[run.length - 1];
    const cuts = run.flatMap((e, t) => (e.cut ? [t] : []));
    const key = (look, more) => `<svg width="26" height="10" aria-hidden="true"><line class="${look}" x2="26" y1="5" y2="5"${more}/></svg>`;
    const text = `<table class="nn-numbers"><tr><th>after ${run.length} evaluations</th><th></th></tr>
      <tr><th scope="row">${key("s0", "")} loss, expected</th><td>${number(last.loss, 5)}</td></tr>
      <tr><th scope="row">${key("s1", dash)} rate</th><td>${number(last.rate, 7)}</td></tr>
      <tr><th scope="row">cuts</th><td>${cuts.length}</td></tr>
      <tr><th scope="row">first cut</th><td>${cuts.length ? cuts[0] : "none"}</td></tr></table>`;
    return { height: top + tall + 26, svg, text };
  };
});
