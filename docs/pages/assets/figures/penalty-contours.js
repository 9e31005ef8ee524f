// The minimum of a quadratic loss with an L1 and with an L2 penalty, on its path as the reader moves the strength.
nnFigure("penalty-contours", ({ numbers, range, number }) => {
  const [[a, b], [, c]] = numbers.hessian;
  const least = numbers.least;
  const strength = range("strength", 0, numbers.last, 0.05, numbers.shown);
  const LOW = [-0.75, -0.95];
  const HIGH = [2.65, 1.95];
  const pull = ([x, y]) => [a * (x - least[0]) + b * (y - least[1]), b * (x - least[0]) + c * (y - least[1])];
  const loss = (p) => ((p[0] - least[0]) * pull(p)[0] + (p[1] - least[1]) * pull(p)[1]) / 2;

  // Each parameter in turn to the minimum along it; with the squares the two equations at once.
  function lasso(s) {
    let [x, y] = least;
    const soft = (z) => Math.sign(z) * Math.max(Math.abs(z) - s, 0);
    for (let k = 0; k < 100; k += 1) {
      x = soft(a * least[0] - b * (y - least[1])) / a;
      y = soft(c * least[1] - b * (x - least[0])) / c;
    }
    return [x, y];
  }
  function ridge(s) {
    const [p, q] = [a * least[0] + b * least[1], b * least[0] + c * least[1]];
    const det = (a + s) * (c + s) - b * b;
    return [((c + s) * p - b * q) / det, ((a + s) * q - b * p) / det];
  }
  const kinds = [["L1", lasso], ["L2", ridge]];
  const line = (points, close = "") => `M${points.map((p) => p.map((v) => v.toFixed(1)).join(" ")).join("L")}${close}`;

  // The level line of the loss through a value: an ellipse, by the triangular root of the Hessian.
  function level(value) {
    const root = Math.sqrt(c - (b * b) / a);
    return [...Array(73).keys()].map((k) => {
      const t = (k * Math.PI) / 36;
      const v = (Math.sqrt(2 * value) * Math.sin(t)) / root;
      return [least[0] + (Math.sqrt(2 * value) * Math.cos(t)) / Math.sqrt(a) - (b / a) * v, least[1] + v];
    });
  }

  return (width) => {
    const side = width < 560 ? width : width / 2;
    const scale = (side - 30) / (HIGH[0] - LOW[0]);
    const tall = (HIGH[1] - LOW[1]) * scale;
    let svg = "";
    const rows = kinds.map(([name, solve], k) => {
      const [left, top] = side === width ? [22, 22 + k * (tall + 40)] : [22 + k * side, 22];
      const at = ([x, y]) => [left + (x - LOW[0]) * scale, top + (HIGH[1] - y) * scale];
      const inside = at([0, 0]);
      const found = solve(strength.value);
      const size = name === "L1" ? Math.abs(found[0]) + Math.abs(found[1]) : Math.hypot(...found);
      svg += `<text class="strong f${k}" x="${left}" y="${top - 8}">${name}</text>
        <svg x="${left}" y="${top}" width="${side - 30}" height="${tall}" viewBox="${left} ${top} ${side - 30} ${tall}">
        <line class="axis" x1="${left}" x2="${left + side}" y1="${inside[1]}" y2="${inside[1]}"/>
        <line class="axis" x1="${inside[0]}" x2="${inside[0]}" y1="${top}" y2="${top + tall}"/>`;
      for (const value of [0.05, 0.25, 0.6, 1.2]) svg += `<path class="grid" d="${line(level(value).map(at))}"/>`;
      svg += `<path class="axis" d="${line(level(loss(found)).map(at))}"/>`;
      svg += name === "L1"
        ? `<path class="s${k}" d="${line([[size, 0], [0, size], [-size, 0], [0, -size]].map(at), "Z")}"/>`
        : `<circle class="s${k}" fill="none" cx="${inside[0]}" cy="${inside[1]}" r="${size * scale}"/>`;
      const path = [...Array(97).keys()].map((n) => at(solve((n * numbers.last) / 96)));
      const [cx, cy] = at(found);
      const [mx, my] = at(least);
      svg += `<path class="s${k}" style="stroke-width:3" d="${line(path)}"/><circle class="f${k}" r="6" cx="${cx}" cy="${cy}"/>
        <path class="ink" d="M${mx - 6} ${my}h12M${mx} ${my - 6}v12"/></svg>`;
      return `<tr><th>${name}</th><td>${number(found[0])}</td><td>${number(found[1])}</td><td>${number(loss(found))}</td></tr>`;
    });
    const text = `<table class="nn-numbers"><tr><th></th><th>first</th><th>second</th><th>loss</th></tr>${rows.join("")}</table>`;
    return { height: side === width ? 2 * tall + 70 : tall + 30, svg, text };
  };
});
