// Softmax of three scores in float32, as its formula is written and with the largest score subtracted first.
nnFigure("softmax-offset", ({ numbers, range, number }) => {
  const temperature = range("temperature", 0.25, 4, 0.25, 1);
  const offset = range("offset c", -120, 120, 1, 0);
  const f32 = Math.fround;
  const short = (v) => (v === Infinity ? "\u221e" : Number.isNaN(v) ? "NaN" : v === 0 || (v > 1e-3 && v < 1e4) ? number(v) : power(v));

  function power(v) {
    const [mantissa, exponent] = v.toExponential(1).split("e");
    return `${mantissa}\u00b710<sup>${exponent.replace("+", "").replace("-", "\u2212")}</sup>`;
  }

  // Every operation is rounded to float32, as float32 arithmetic does.
  function softmax(scores) {
    const e = scores.map((s) => f32(Math.exp(s)));
    const sum = e.reduce((total, v) => f32(total + v), 0);
    return { e, y: e.map((v) => f32(v / sum)) };
  }

  function bars({ y }, left, width, title, color) {
    const [top, high, step] = [44, 150, width / 3];
    let svg = `<text class="strong" x="${left}" y="14">${title}</text>
      <line class="axis" x1="${left}" x2="${left + width}" y1="${top + high}" y2="${top + high}"/>`;
    y.forEach((v, i) => {
      const [x, tall] = [left + i * step + step * 0.15, (v || 0) * high];
      svg += `<rect class="${color}" x="${x}" y="${top + high - tall}" width="${step * 0.7}" height="${tall}"/>
        <text class="strong" x="${x + step * 0.35}" y="${top + high - tall - 5}" text-anchor="middle">${short(Number(v.toFixed(3)))}</text>
        <text x="${x + step * 0.35}" y="${top + high + 16}" text-anchor="middle">x${"\u2081\u2082\u2083"[i]}</text>`;
    });
    return svg;
  }

  return (width) => {
    const scores = numbers.scores.map((s) => f32(f32(s / temperature.value) + offset.value));
    const largest = Math.max(...scores);
    const written = softmax(scores);
    const shifted = softmax(scores.map((s) => f32(s - largest)));
    const half = Math.min(width / 2 - 12, 260);
    const left = width / 2 - half - 10;
    const svg = bars(written, left, half, "as it is written", "f1") + bars(shifted, width / 2 + 10, half, "largest subtracted", "f0");
    const rows = scores.map((s, i) => `<tr><td>${number(s)}</td><td>${short(written.e[i])}</td><td>${digits(written.y[i])}</td>
      <td>${short(shifted.e[i])}</td><td>${digits(shifted.y[i])}</td></tr>`);
    const text = `<table class="nn-numbers"><tr><th>score x+c</th><th>e<sup>x+c</sup></th><th>y</th><th>e<sup>x\u2212max</sup></th><th>y</th></tr>
      ${rows.join("")}</table><p>${why(written, largest)}</p>`;
    return { height: 216, svg, text };
  };

  function digits(v) {
    return Number.isNaN(v) ? "NaN" : v.toFixed(3);
  }

  function why({ e, y }, largest) {
    if (e.includes(Infinity)) return `e<sup>${number(largest)}</sup> is above 3.4\u00b710<sup>38</sup>, the largest float32: <b>\u221e / \u221e is NaN</b>.`;
    if (y.some(Number.isNaN)) return "Every e<sup>x+c</sup> is rounded to 0: <b>0 / 0 is NaN</b>.";
    return "e<sup>x+c</sup> = e<sup>x</sup>e<sup>c</sup>: the factor e<sup>c</sup> cancels, and c changes nothing.";
  }
});
