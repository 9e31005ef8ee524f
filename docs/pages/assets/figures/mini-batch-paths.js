// Three ways to descend on one loss, each with the same number of updates; the places are the reference's.
nnFigure("mini-batch-paths", ({ numbers, range, number }) => {
  const { w, b, least, levels, examples, methods } = numbers;
  const updates = range("updates", 0, methods[0].path.length - 1, 1, 0);

  return (width) => {
    const [apart, head] = [12, 22];
    const wide = (width - 2 * apart) / 3;
    const tall = Math.max(150, wide);
    const px = (v) => ((v - w[0]) / (w[1] - w[0])) * wide;
    const py = (v) => ((b[1] - v) / (b[1] - b[0])) * tall;
    const line = (points) => "M" + points.map(([x, y]) => `${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("L");
    const rings = levels.map((ring) => `<path class="axis" fill="none" d="${line(ring)}"/>`).join("");
    const t = updates.value;
    let svg = "";
    let rows = "";
    methods.forEach(({ name, batch, path }, k) => {
      const x = k * (wide + apart);
      const done = path.slice(0, t + 1);
      const dots = done.map(([u, v], i) => `<circle class="f${k}" r="${i === t ? 5 : 2.5}" cx="${px(u)}" cy="${py(v)}"/>`);
      svg += `<text class="strong" x="${x + 2}" y="14">${batch} of ${examples}</text>
        <svg x="${x}" y="${head}" width="${wide}" height="${tall}" viewBox="0 0 ${wide} ${tall}">${rings}
        <path class="s${k}" fill="none" d="${line(done)}"/>${dots.join("")}
        <path class="ink" d="M${px(least[0]) - 6} ${py(least[1])}h12m-6 -6v12"/></svg>`;
      rows += `<tr><th scope="row"><svg width="14" height="10"><line class="s${k}" x2="14" y1="5" y2="5"/></svg> ${name}</th>
        <td>${t * batch}</td><td>${number((t * batch) / examples, 3)}</td><td>${number(path[t][2])}</td></tr>`;
    });
    const text = `<table class="nn-numbers"><tr><th>${t} updates</th><th>examples</th><th>epochs</th><th>loss</th></tr>${rows}</table>`;
    return { height: tall + head + 2, svg, text };
  };
});
