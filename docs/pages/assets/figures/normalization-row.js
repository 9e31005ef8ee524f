// Four features of a row, which the reader shifts and stretches, and what layer norm and RMS norm make of them.
nnFigure("normalization-row", ({ numbers, range, number }) => {
  const added = range("added to all", -3, 3, 0.25, 0);
  const factor = range("factor", 0, 2, 0.05, 1);
  const exponent = range("\u03b5 = 10^", -8, 1, 1, -5);
  const mean = (row) => row.reduce((sum, v) => sum + v, 0) / row.length;
  const norm = (d) => d.map((v) => v / Math.sqrt(mean(d.map((w) => w * w)) + 10 ** exponent.value));
  const LIMIT = 3;

  function bars(row, left, width, title, color) {
    const [middle, unit, step] = [92, 22, width / row.length];
    let svg = `<text class="strong" x="${left}" y="14">${title}</text>
      <line class="axis" x1="${left}" x2="${left + width}" y1="${middle}" y2="${middle}"/>`;
    row.forEach((v, i) => {
      const tall = Math.min(Math.abs(v), LIMIT) * unit;
      svg += `<rect class="${color}" x="${left + i * step + step * 0.15}" y="${v < 0 ? middle : middle - tall}" width="${step * 0.7}" height="${tall}"/>`;
    });
    return svg;
  }

  return (width) => {
    const x = numbers.row.map((v) => v * factor.value + added.value);
    const d = x.map((v) => v - mean(x));
    const rows = [["the row", x, "f2"], ["layer norm", norm(d), "f0"], ["RMS norm", norm(x), "f1"]];
    const third = (width - 40) / 3;
    const svg = rows.map(([title, row, color], i) => bars(row, i * (third + 20), third, title, color)).join("");
    const cells = rows.map(([title, row]) => `<tr><th>${title}</th>${row.map((v) => `<td>${number(v, 3)}</td>`).join("")}</tr>`);
    const text = `<table class="nn-numbers">${cells.join("")}</table><p>${why(d, x)}</p>`;
    return { height: 170, svg, text };
  };

  function why(d, x) {
    const [v, s] = [d, x].map((row) => mean(row.map((w) => w * w)));
    const tiny = 10 ** exponent.value;
    if (v === 0) return "A row of equal numbers: layer norm gives zeros, and RMS norm keeps the sign.";
    if (v < 4 * tiny) return `The variance, ${number(v, 5)}, is small beside \u03b5: <b>the normalized row is small, too</b>.`;
    return `Mean ${number(mean(x), 3)}, variance ${number(v, 3)}, mean square ${number(s, 3)}.`;
  }
});
