// Two players on the product xy, one down and one up its slope: both at once, or one after the other.
nnFigure("gan-spiral", ({ numbers, range, number }) => {
  const rate = range("rate", 0.05, 2.2, 0.05, numbers.rate);

  function path(alternating) {
    let [x, y] = numbers.start;
    const found = [[x, y]];
    for (let step = 0; step < numbers.steps; step += 1) {
      const before = x;
      x -= rate.value * y;
      y += rate.value * (alternating ? x : before);
      found.push([x, y]);
    }
    return found;
  }

  return (width) => {
    const side = Math.min((width - 24) / 2, 260);
    const middle = side / 2 + 22;
    const kinds = [["both at once", false, "s0"], ["one after the other", true, "s1"]];
    const away = [];
    const svg = kinds.map(([title, alternating, color], i) => {
      const found = path(alternating);
      const last = found.at(-1);
      away.push(Math.hypot(...last));
      const largest = Math.max(1.5, ...found.map((at) => Math.max(Math.abs(at[0]), Math.abs(at[1]))));
      const unit = side / 2 / largest;
      const left = i * (side + 24) + side / 2;
      const line = found.map((at) => `${(left + at[0] * unit).toFixed(2)} ${(middle - at[1] * unit).toFixed(2)}`);
      return `<text class="strong" x="${left - side / 2}" y="14">${title}</text>
        <line class="axis" x1="${left - side / 2}" x2="${left + side / 2}" y1="${middle}" y2="${middle}"/>
        <line class="axis" x1="${left}" x2="${left}" y1="${middle - side / 2}" y2="${middle + side / 2}"/>
        <path class="${color}" style="stroke-width:1.2" d="M${line.join("L")}"/>`;
    });
    const text = `<p>After ${numbers.steps} steps: distance from the equilibrium ${number(away[0], 3)} if both step at once,
      ${number(away[1], 3)} one after the other. At the start it is 1.</p>`;
    return { height: side + 30, svg: svg.join(""), text };
  };
});
