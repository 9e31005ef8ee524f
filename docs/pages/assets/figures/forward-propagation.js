// The page's example through its network, one product, sum or activation at a time.
nnFigure("forward-propagation", ({ numbers, range, number }) => {
  const { x, layers } = numbers;
  const steps = list();
  const step = range("step", 0, steps.length, 1, 0, (n) => `${n} of ${steps.length}`);

  // Every step: the unit it belongs to, what it computes, and what the unit then holds.
  function list() {
    const found = [];
    let inputs = x;
    layers.forEach(({ kernel, bias, activation }, l) => {
      const outputs = bias.map((b, j) => {
        let sum = b;
        found.push({ l, j, from: -1, text: `start with the bias: z = ${number(b)}`, sum });
        inputs.forEach((a, i) => {
          const product = a * kernel[i][j];
          const before = sum;
          sum += product;
          const text = `add ${number(a)} \u00b7 ${bracket(kernel[i][j])} = ${number(product)}: z = ${number(before)} + ${bracket(product)} = ${number(sum)}`;
          found.push({ l, j, from: i, text, product, sum });
        });
        if (!activation) return sum;
        const a = Math.max(sum, 0);
        found.push({ l, j, from: -1, text: `ReLU: a = max(${number(sum)}, 0) = ${number(a)}`, sum, a });
        return a;
      });
      inputs = outputs;
    });
    return found;
  }

  function bracket(v) {
    return v < 0 ? `(${number(v)})` : number(v);
  }

  return (width) => {
    const counts = [x.length, ...layers.map(({ bias }) => bias.length)];
    const wide = Math.min(width, 560);
    const [left, middle, gap, r] = [(width - wide) / 2 + 34, 140, 82, 26];
    const place = (c, i) => [left + (c * (wide - 68)) / layers.length, middle + (i - (counts[c] - 1) / 2) * gap];
    const done = steps.slice(0, step.value);
    const now = done.at(-1);
    const holds = (l, j) => done.findLast((s) => s.l === l && s.j === j);
    let svg = "";
    let labels = "";
    layers.forEach(({ kernel, activation }, l) => {
      kernel.forEach((row, i) => row.forEach((weight, j) => {
        const [[ax, ay], [bx, by]] = [place(l, i), place(l + 1, j)];
        const mine = now?.l === l && now.j === j;
        const active = mine && now.from === i;
        svg += `<line class="${active ? "s1" : mine ? "ink" : "axis"}"${active ? ' style="stroke-width:4"' : ""} x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"/>`;
        if (!mine) return;
        const t = 0.45;
        const [tx, ty] = [ax + t * (bx - ax), ay + t * (by - ay)];
        labels += `<rect class="empty" x="${tx - 17}" y="${ty - 9}" width="34" height="17"/>
          <text class="${active ? "strong" : ""}" x="${tx}" y="${ty + 4}" text-anchor="middle">${number(weight)}</text>`;
      }));
    });
    counts.forEach((count, c) => {
      const head = c === 0 ? "input" : c === layers.length ? "output" : "hidden";
      svg += `<text class="strong" x="${place(c, 0)[0]}" y="14" text-anchor="middle">${head}</text>`;
      for (let i = 0; i < count; i++) {
        const [cx, cy] = place(c, i);
        const held = c ? holds(c - 1, i) : { sum: x[i] };
        const mine = c && now?.l === c - 1 && now.j === i;
        const words = !held ? [] : c === 0 ? [number(x[i])] : held.a === undefined ? [number(held.sum)] : [`z ${number(held.sum)}`, `a ${number(held.a)}`];
        svg += `<circle class="empty ${mine ? "s1" : held ? "s0" : "axis"}" stroke-width="${mine ? 3 : 2}" r="${r}" cx="${cx}" cy="${cy}"/>`;
        words.forEach((word, k) => {
          labels += `<text class="small" x="${cx}" y="${cy + 4 + (k - (words.length - 1) / 2) * 14}" text-anchor="middle">${word}</text>`;
        });
      }
    });
    const unit = now && `${now.l === layers.length - 1 ? "Output" : "Hidden"} unit ${now.j + 1}: `;
    const text = `<p class="line">${now ? unit + now.text : "Move the slider: each step is one product, one sum or one activation."}</p>`;
    return { height: middle * 2, svg: svg + labels, text };
  };
});
