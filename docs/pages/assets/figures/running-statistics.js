// The running mean and variance of a feature over sixty batches; the reader moves the decay and the size of a batch.
nnFigure("running-statistics", ({ numbers, range, choice, number }) => {
  const decay = range("decay", 0, 0.99, 0.01, numbers.decay);
  const size = choice("batch size", Object.keys(numbers.batches), numbers.size);
  const step = range("step", 0, numbers.batches[numbers.size].length, 1, numbers.step);

  // What the layer has before the first batch and after each.
  function running(batches) {
    const all = [[0, 1]];
    for (const batch of batches) all.push(all.at(-1).map((old, n) => decay.value * old + (1 - decay.value) * batch[n]));
    return all;
  }

  return (width) => {
    const batches = numbers.batches[size.value];
    const found = running(batches);
    const [side, tall] = [width < 560 ? width : (width - 16) / 2, 150];
    const name = ["mean", "variance"];
    let svg = "";
    const rows = name.map((title, n) => {
      const [left, top] = side === width ? [30, 24 + n * (tall + 48)] : [30 + n * (side + 16), 24];
      const wide = side - 38;
      const values = [...batches, ...found].map((pair) => pair[n]);
      const low = Math.floor(Math.min(0, ...values));
      const high = Math.ceil(Math.max(...values));
      const x = (k) => left + (k / batches.length) * wide;
      const y = (v) => top + ((high - v) / (high - low)) * tall;
      svg += `<text class="strong" x="${left}" y="${top - 10}">${title}</text>`;
      for (const v of [low, numbers.right[n], high]) {
        svg += `<text class="small" x="${left - 6}" y="${y(v) + 4}" text-anchor="end">${number(v)}</text>`;
        if (v !== numbers.right[n]) svg += `<line class="grid" x1="${left}" x2="${left + wide}" y1="${y(v)}" y2="${y(v)}"/>`;
      }
      svg += `<line class="ink" stroke-dasharray="5 4" x1="${left}" x2="${left + wide}" y1="${y(numbers.right[n])}" y2="${y(numbers.right[n])}"/>
        <line class="axis" x1="${x(step.value)}" x2="${x(step.value)}" y1="${top}" y2="${top + tall}"/>`;
      batches.forEach((batch, k) => {
        svg += `<circle class="f1" r="2" cx="${x(k + 1).toFixed(1)}" cy="${y(batch[n]).toFixed(1)}"/>`;
      });
      svg += `<path class="s0" style="stroke-width:2.5" d="M${found.map((pair, k) => `${x(k).toFixed(1)} ${y(pair[n]).toFixed(1)}`).join("L")}"/>
        <circle class="f0" r="5" cx="${x(step.value).toFixed(1)}" cy="${y(found[step.value][n]).toFixed(1)}"/>
        <text class="small" x="${left + wide}" y="${top + tall + 16}" text-anchor="end">step ${batches.length}</text>`;
      const batch = step.value ? number(batches[step.value - 1][n]) : "\u2013";
      return `<tr><th>${title}</th><td>${batch}</td><td>${number(found[step.value][n])}</td><td>${number(numbers.right[n])}</td></tr>`;
    });
    const text = `<table class="nn-numbers"><tr><th></th><th>batch</th><th>running</th><th>true</th></tr>${rows.join("")}</table>
      <p>Of the start, mean 0 and variance 1, the weight ${number(decay.value ** step.value)} is left.</p>`;
    return { height: (side === width ? 2 * tall + 48 : tall) + 46, svg, text };
  };
});
