// The page's network: values forward, then gradients back, one unit or one weight at a time.
nnFigure("backpropagation", ({ numbers, range, number }) => {
  const { x, label, layers } = numbers;
  const [hidden, output] = layers;
  const COUNT = trace(x, label[0]).length;
  const step = range("step", 0, COUNT, 1, 0, (n) => `${n} of ${COUNT}`);
  const inputs = x.map((v, i) => range(`input x${"\u2081\u2082"[i]}`, -3, 3, 1, v));
  const target = range("label t", -5, 5, 1, label[0]);

  // Every step: where its number stands, what stands there, and how it is computed.
  function trace(x, t) {
    const found = [];
    const add = (at, shown, text) => found.push({ at, shown, text });
    const sum = (values, weights, bias) => values.reduce((total, v, i) => total + v * weights[i], bias);
    const terms = (values, weights, bias) => values.map((v, i) => `${number(v)} \u00b7 ${bracket(weights[i])}`).join(" + ") + ` + ${bracket(bias)}`;
    const into = (layer, j) => layer.kernel.map((row) => row[j]);
    const z = hidden.bias.map((b, j) => sum(x, into(hidden, j), b));
    const a = z.map((v) => Math.max(v, 0));
    z.forEach((v, j) => add(`h${j}`, [`z ${number(v)}`, `a ${number(a[j])}`],
      `Hidden unit ${j + 1}: z = ${terms(x, into(hidden, j), hidden.bias[j])} = ${number(v)}, and ReLU gives a = ${number(a[j])}.`));
    const y = sum(a, into(output, 0), output.bias[0]);
    add("y", [`a ${number(y)}`], `Output: a = ${terms(a, into(output, 0), output.bias[0])} = ${number(y)}.`);
    add("loss", [number((y - t) ** 2 / 2)], `Loss: \u00bd (${number(y)} \u2212 ${bracket(t)})\u00b2 = ${number((y - t) ** 2 / 2)}. Now back.`);
    const g = y - t;
    const too = "This is also the gradient for its bias.";
    add("gy", [`g ${number(g)}`], `Output: g = a \u2212 t = ${number(y)} \u2212 ${bracket(t)} = ${number(g)}. ${too}`);
    a.forEach((v, j) => add(`1${j}0`, number(v * g), `Weight from hidden unit ${j + 1} to the output: a \u00b7 g = ${number(v)} \u00b7 ${bracket(g)} = ${number(v * g)}.`));
    const gs = z.map((v, j) => (v > 0 ? g * output.kernel[j][0] : 0));
    gs.forEach((v, j) => add(`gh${j}`, [`g ${number(v)}`],
      `Hidden unit ${j + 1}: slope of ReLU times g times weight = ${z[j] > 0 ? 1 : 0} \u00b7 ${bracket(g)} \u00b7 ${bracket(output.kernel[j][0])} = ${number(v)}. ${too}`));
    x.forEach((v, i) => gs.forEach((back, j) => add(`0${i}${j}`, number(v * back),
      `Weight from input ${i + 1} to hidden unit ${j + 1}: x \u00b7 g = ${number(v)} \u00b7 ${bracket(back)} = ${number(v * back)}.`)));
    return found;
  }

  function bracket(v) {
    return v < 0 ? `(${number(v)})` : number(v);
  }

  return (width) => {
    const [xs, t] = [inputs.map(({ value }) => value), target.value];
    const done = trace(xs, t).slice(0, step.value);
    const now = done.at(-1);
    const held = Object.fromEntries(done.map(({ at, shown }) => [at, shown]));
    const wide = Math.min(width, 600);
    const place = (c, i, count) => [(width - wide) / 2 + 28 + (c * (wide - 56)) / 3, 152 + (i - (count - 1) / 2) * 150];
    const word = (x, y, text, kind = "") => `<text class="small ${kind}" x="${x}" y="${y}" text-anchor="middle">${text ?? ""}</text>`;
    const line = ([ax, ay], [bx, by], at) =>
      `<line class="${now?.at === at ? "s1" : at in held ? "ink" : "axis"}" x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"/>`;
    let svg = line(place(2, 0, 1), place(3, 0, 1), "loss");
    let labels = word(place(3)[0], 115, `t ${number(t)}`);
    layers.forEach(({ kernel }, l) => kernel.forEach((row, i) => row.forEach((weight, j) => {
      const at = `${l}${i}${j}`;
      const [from, to] = [place(l, i, 2), place(l + 1, j, row.length)];
      svg += line(from, to, at);
      const [tx, ty] = from.map((v, k) => v + (l ? 0.46 : 0.36) * (to[k] - v));
      labels += `<rect class="empty" x="${tx - 16}" y="${ty - 15}" width="32" height="30"/>`;
      labels += word(tx, ty - 2, number(weight)) + word(tx, ty + 12, held[at], "strong f1");
    })));
    const unit = (c, i, count, at, words = []) => {
      const [cx, cy] = place(c, i, count);
      const kind = now?.at === at ? "s0" : now?.at === `g${at}` ? "s1" : "axis";
      labels += `<circle class="empty ${kind}" stroke-width="2" r="25" cx="${cx}" cy="${cy}"/>`;
      words.forEach((text, k) => { labels += word(cx, cy + 4 + (k - (words.length - 1) / 2) * 14, text); });
      labels += word(cx, cy + 40, held[`g${at}`], "strong f1");
    };
    xs.forEach((v, i) => unit(0, i, 2, "x", [number(v)]));
    hidden.bias.forEach((_, j) => unit(1, j, 2, `h${j}`, held[`h${j}`]));
    unit(2, 0, 1, "y", held.y);
    unit(3, 0, 1, "loss", held.loss);
    ["input", "hidden", "output", "loss"].forEach((head, c) => { labels += word(place(c)[0], 14, head, "strong"); });
    const start = "Move the first slider: the values go from left to right, then the gradients come back.";
    return { height: 276, svg: svg + labels, text: `<p class="line">${now ? now.text : start}</p>` };
  };
});
