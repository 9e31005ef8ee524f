// Eight tokens that may come next: temperature, then top-k, a nucleus and min-p, and who is left.
nnFigure("decoding-cuts", ({ numbers, range, number }) => {
  const temperature = range("temperature", 0.25, 3, 0.25, 1);
  const k = range("top-k", 1, 8, 1, 8);
  const p = range("nucleus p", 0.05, 1, 0.05, 1);
  const minP = range("min-p", 0, 1, 0.05, 0);
  const sum = (row) => row.reduce((total, v) => total + v, 0);
  const among = (q, kept) => {
    const left = q.map((v, i) => (kept[i] ? v : 0));
    return left.map((v) => v / sum(left));
  };

  // The tokens stand in the order of their logits. Each cut takes what the one before it has left.
  function cuts(q) {
    const top = q.map((v, i) => i < k.value);
    const first = among(q, top);
    let before = 0;
    const nucleus = first.map((v) => {
      const kept = v > 0 && (p.value >= 1 || before < p.value - 1e-9);
      before += v;
      return kept;
    });
    const second = among(first, nucleus);
    const likely = second.map((v) => v > 0 && v >= minP.value * second[0]);
    return { r: among(second, likely), top, nucleus };
  }

  return (width) => {
    const powers = numbers.logits.map((x) => Math.exp(x / temperature.value));
    const q = powers.map((v) => v / sum(powers));
    const { r, top, nucleus } = cuts(q);
    const [base, high, step] = [170, 140, width / q.length];
    let svg = `<line class="axis" x1="0" x2="${width}" y1="${base}" y2="${base}"/>`;
    q.forEach((v, i) => {
      const [x, w, tall] = [i * step + step * 0.15, step * 0.7, r[i] * high];
      const why = r[i] ? r[i].toFixed(2) : top[i] ? (nucleus[i] ? "min-p" : "nucleus") : "top-k";
      svg += `<rect class="f0" x="${x}" y="${base - tall}" width="${w}" height="${tall}"/>
        <rect class="axis" x="${x}" y="${base - v * high}" width="${w}" height="${v * high}" fill="none"/>
        <text x="${x + w / 2}" y="${base - Math.max(tall, v * high) - 6}" text-anchor="middle">${why}</text>
        <text class="strong" x="${x + w / 2}" y="${base + 16}" text-anchor="middle">${numbers.words[i]}</text>`;
    });
    const kept = r.filter((v) => v > 0).length;
    const bits = -sum(r.map((v) => (v ? v * Math.log2(v) : 0)));
    const lost = sum(q.filter((v, i) => !r[i]));
    const rows = q.map((v, i) => `<tr><td>${numbers.words[i]}</td><td>${v.toFixed(3)}</td><td>${r[i].toFixed(3)}</td></tr>`);
    const text = `<table class="nn-numbers"><tr><th>token</th><th>after the temperature</th><th>drawn from</th></tr>${rows.join("")}</table>
      <p>${kept} of ${q.length} tokens are kept; those that are cut had ${number(lost, 3)} together. One draw is worth ${number(bits, 2)} bits.</p>`;
    return { height: 196, svg, text };
  };
});
