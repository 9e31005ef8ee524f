// Three ways to descend on one loss, each with the same number of updates; the places are the reference's.
nnFigure("mini-batch-paths", ({ numbers, range, number }) => {
  const { w, b, least, levels, examples, methods } = numbers;
  const updates = range("updates", 0, methods[0].path.length - 1, 1, 0);

  return (width) => {
    const apart = 14;
    const columns = width >= 560 ? 3 : 1;
    const wide = (width - apart * (columns - 1)) / columns;
    const tall = columns === 3 ? 240 : 150;
    const head = 20;
    const px = (v) => ((v - w[0]) / (w[1] - w[0])) * wide;
    const py = (v) => ((b[1] - v) / (b[1] - b[0])) * tall;
    const line = (points) => "M" + points.map(([x, y]) => `${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("L");
    const t = updates.value;
    let svg = "";
    let rows = "";
    methods.forEach(({ name, batch, path }, k) => {
      const [x, y] = columns === 3 ? [k * (wide + apart), 0] : [0, k * (tall + head + 8)];
      const done = path.slice(0, t + 1);
      const rings = levels.map((ring) => `<path class="axis" fill="none" d="${line(ring)}"/>`).join("");
      const dots = done.map(([u, v], i) =>
        `<circle class="f${k}" r="${i === t ? 5 : 2.5}" cx="${px(u)}" cy="${py(v)}"/>`).join("");
      svg += `<text class="strong" x="${x + 2}" y="${y + 14}">${name}, ${batch} of ${examples}</text>
        <svg x="${x}" y="${y + head}" width="${wide}" height="${tall}" viewBox="0 0 ${wide} ${tall}">${rings}
        <path class="s${k}" fill="none" d="${line(done)}"/>${dots}
        <path class="ink" d="M${px(least[0]) - 6} ${py(least[1])}h12m-6 -6v12"/></svg>`;
      const [, , loss] = path[t];
      rows += `<tr><th scope="row">${name}</th><td>${t * batch}</td><td>${number((t * batch) / examples, 3)}</td><td>${number(loss)}</td></tr>`;
    });
    const text = `<table class="nn-numbers"><tr><th>after ${t} updates</th><th>examples read</th><th>epochs</th><th>loss</th></tr>${rows}</table>`;
    return { height: columns === 3 ? tall + head : 3 * (tall + head + 8), svg, text };
  };
});
