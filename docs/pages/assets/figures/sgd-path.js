// Steps of stochastic gradient descent among examples in the plane; each goes a share of the way towards one example.
nnFigure("sgd-path", ({ numbers, range, number }) => {
  const { points, start, order } = numbers;
  const rate = range("learning rate", 0.05, 1, 0.05, numbers.rate);
  const steps = range("steps", 0, order.length, 1, numbers.steps);
  const mean = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  const away = (at) => (at[0] - mean[0]) ** 2 + (at[1] - mean[1]) ** 2;

  function path() {
    const found = [start];
    for (const example of order.slice(0, steps.value)) {
      const now = found.at(-1);
      found.push(now.map((value, axis) => value - rate.value * (value - points[example][axis])));
    }
    return found;
  }

  return (width) => {
    const top = 12;
    const unit = Math.min((width - 42) / 7.6, 58);
    const left = Math.max(26, (width - 7.6 * unit) / 2);
    const x = (value) => left + (value + 0.3) * unit;
    const y = (value) => top + (7.3 - value) * unit;
    const found = path();
    let svg = "";
    for (let value = 0; value <= 7; value += 1) {
      svg += `<line class="grid" x1="${x(value)}" x2="${x(value)}" y1="${y(7.3)}" y2="${y(0.3)}"/>
        <text class="small" x="${x(value)}" y="${y(0.3) + 16}" text-anchor="middle">${value}</text>`;
      if (!value) continue;
      svg += `<line class="grid" x1="${x(-0.3)}" x2="${x(7.3)}" y1="${y(value)}" y2="${y(value)}"/>
        <text class="small" x="${x(-0.3) - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`;
    }
    svg += `<path class="s1" style="stroke-width:1.2" d="M${found.map((at) => `${x(at[0])} ${y(at[1])}`).join("L")}"/>`;
    points.forEach((at, example) => {
      svg += `<circle class="f0" cx="${x(at[0])}" cy="${y(at[1])}" r="6"/>
        <text class="strong" x="${x(at[0]) + 9}" y="${y(at[1]) - 7}">${example}</text>`;
    });
    const [mx, my] = [x(mean[0]), y(mean[1])];
    svg += `<line class="ink" x1="${mx - 8}" x2="${mx + 8}" y1="${my}" y2="${my}"/>
      <line class="ink" x1="${mx}" x2="${mx}" y1="${my - 8}" y2="${my + 8}"/>`;
    const last = found.at(-1);
    svg += `<circle class="f1" cx="${x(last[0])}" cy="${y(last[1])}" r="5"/>`;
    const epochs = found.slice(1).slice(-3 * points.length);
    const spread = epochs.reduce((sum, at) => sum + away(at), 0) / (epochs.length || 1);
    const told = steps.value ? `Step ${steps.value} goes towards example ${order[steps.value - 1]}, to` : "The start is";
    const text = `<p>${told} (${number(last[0])}, ${number(last[1])}). Distance from the mean, squared: ${number(away(last))}.
      ${epochs.length ? `Over the last ${epochs.length} steps ${number(spread)} on average.` : ""}</p>`;
    return { height: y(0.3) + 22, svg, text };
  };
});
