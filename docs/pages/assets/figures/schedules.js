// Two learning rates over the same steps, each composed of a warm-up to 1 and of what follows it.
nnFigure("schedules", ({ numbers, range, choice, number }) => {
  const { steps, start, divisor } = numbers;
  const names = Object.keys(kinds(0));
  const [one, other] = ["first", "second"].map((word, i) => ({
    kind: choice(word, names, numbers.kinds[i]),
    warmup: range(`${word}: warm-up`, 0, 40, 1, numbers.warmups[i]),
  }));
  const length = range("half-life, first cycle", 2, 40, 1, numbers.length);
  const end = range("end", 0, 0.5, 0.05, numbers.end);
  const step = range("read at step", 0, steps, 1, 30);
  const looks = ["s0", "s1"];

  // The rate by the number of the step, for each kind, with so many steps of warm-up in front.
  function kinds(w) {
    const rest = steps - w;
    const half = (x, high, low) => low + ((high - low) * (1 + Math.cos(Math.PI * x))) / 2;
    const up = (after) => (t) => (t < w ? start + ((1 - start) * t) / w : after(t - w));
    const root = Math.max(w, 1);
    const peak = Math.max(w, 2);
    return {
      constant: up(() => 1),
      step: up((s) => 0.5 ** Math.floor(s / length.value)),
      exponential: up((s) => 0.5 ** (s / length.value)),
      "inverse time": up((s) => 1 / (1 + s / length.value)),
      linear: up((s) => 1 + ((end.value - 1) * s) / rest),
      cosine: up((s) => half(s / rest, 1, end.value)),
      restarts: up((s) => {
        let [since, cycle] = [s, length.value];
        while (since >= cycle) [since, cycle] = [since - cycle, 2 * cycle];
        return half(since / cycle, 1, end.value);
      }),
      "inverse root": (t) => Math.min((t + 1) / root, Math.sqrt(root / (t + 1))),
      "one cycle": (t) => (t < peak ? half(t / peak, start, 1) : half((t - peak) / (steps - peak), 1, start / divisor)),
    };
  }

  return (width) => {
    const [left, top, tall] = [34, 14, 170];
    const x = (t) => left + (t / steps) * (width - left - 8);
    const y = (rate) => top + (1 - rate) * tall;
    let svg = "";
    for (const rate of [0, 0.5, 1]) {
      svg += `<line class="grid" x1="${left}" x2="${width - 8}" y1="${y(rate)}" y2="${y(rate)}"/>
        <text class="small" x="${left - 6}" y="${y(rate) + 4}" text-anchor="end">${rate}</text>`;
    }
    svg += `<line class="axis" x1="${x(step.value)}" x2="${x(step.value)}" y1="${top}" y2="${top + tall}"/>`;
    const rows = [one, other].map(({ kind, warmup }, i) => {
      const rate = kinds(warmup.value)[kind.value];
      const at = [...Array(steps + 1).keys()].map(rate);
      const dash = i ? ' stroke-dasharray="6 4"' : "";
      const jumps = kind.value === "step" || kind.value === "restarts"; // a rate holds for the whole of its step
      const points = at.map((r, t) => (jumps && t ? `H${x(t).toFixed(1)}V${y(r).toFixed(1)}` : `${t ? "L" : "M"}${x(t).toFixed(1)} ${y(r).toFixed(1)}`));
      svg += `<path class="${looks[i]}"${dash} d="${points.join("")}"/>
        <circle class="f${i}" r="4" cx="${x(step.value)}" cy="${y(at[step.value])}"/>`;
      const sum = at.slice(0, -1).reduce((a, b) => a + b, 0);
      return `<tr><th scope="row"><svg width="22" height="8" aria-hidden="true"><line class="${looks[i]}" x1="0" x2="22" y1="4" y2="4"${dash}/></svg> ${kind.value}</th>
        <td>${number(at[step.value], 4)}</td><td>${number(sum, 2)}</td></tr>`;
    });
    svg += `<text class="small" x="${x(steps)}" y="${top + tall + 16}" text-anchor="end">step ${steps}</text>`;
    const text = `<table class="nn-numbers"><tr><th></th><th>rate at ${step.value}</th><th>sum of ${steps}</th></tr>${rows.join("")}</table>`;
    return { height: top + tall + 22, svg, text };
  };
});
