// A neuron with two inputs and a step: its line, its two sides, and how many of the four points it has right.
nnFigure("neurons-half-plane", ({ numbers, range, choice, number }) => {
  const w1 = range("weight w\u2081", -3, 3, 0.25, numbers.start[0]);
  const w2 = range("weight w\u2082", -3, 3, 0.25, numbers.start[1]);
  const b = range("bias b", -3, 3, 0.25, numbers.start[2]);
  const target = choice("to learn", Object.keys(numbers.targets), "OR");
  const LOW = -1.75;
  const HIGH = 1.75;
  const sum = ([x1, x2]) => w1.value * x1 + w2.value * x2 + b.value;

  // The corners of the square that lie on the side, and the points where the line cuts the square's edges.
  function side(sign) {
    const corners = [[LOW, LOW], [HIGH, LOW], [HIGH, HIGH], [LOW, HIGH]];
    return corners.flatMap((p, i) => {
      const q = corners[(i + 1) % 4];
      const [zp, zq] = [sign * sum(p), sign * sum(q)];
      const t = zp / (zp - zq);
      const cut = zp * zq < 0 ? [[p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]] : [];
      return zp >= 0 ? [p, ...cut] : cut;
    });
  }

  return (width) => {
    const size = Math.min(width - 10, 400);
    const left = (width - size) / 2;
    const at = ([x1, x2]) => [
      left + ((x1 - LOW) / (HIGH - LOW)) * size,
      5 + ((HIGH - x2) / (HIGH - LOW)) * size,
    ];
    const area = (sign) => side(sign).map((p) => at(p).map((v) => v.toFixed(1)).join()).join(" ");
    const [ox, oy] = at([0, 0]);
    const norm = w1.value ** 2 + w2.value ** 2;
    const wants = numbers.targets[target.value];
    let svg = "";
    if (norm) {
      svg += `<polygon class="f0 pale" points="${area(1)}"/><polygon class="f1 pale" points="${area(-1)}"/>`;
    } else {
      svg += `<rect class="f${b.value > 0 ? 0 : 1} pale" x="${left}" y="5" width="${size}" height="${size}"/>`;
    }
    svg += `<line class="axis" x1="${left}" x2="${left + size}" y1="${oy}" y2="${oy}"/>
      <line class="axis" x1="${ox}" x2="${ox}" y1="5" y2="${5 + size}"/>
      <text x="${left + size - 4}" y="${oy + 14}" text-anchor="end">x\u2081</text><text x="${ox + 5}" y="18">x\u2082</text>`;
    if (norm) {
      // The line, beyond the square at both ends, and the weights as an arrow on it (a third of their length).
      const foot = [(-b.value / norm) * w1.value, (-b.value / norm) * w2.value];
      const along = (t) => at([foot[0] - t * w2.value, foot[1] + t * w1.value]);
      const far = 12 / Math.sqrt(norm);
      const [[ax, ay], [bx, by]] = [along(-far), along(far)];
      const [[fx, fy], [tx, ty]] = [at(foot), at([foot[0] + w1.value / 3, foot[1] + w2.value / 3])];
      svg += `<svg x="${left}" y="5" width="${size}" height="${size}" viewBox="${left} 5 ${size} ${size}">
        <line class="ink" x1="${ax}" y1="${ay}" x2="${bx}" y2="${by}"/>
        <line class="s3" x1="${fx}" y1="${fy}" x2="${tx}" y2="${ty}"/><circle class="f3" r="4" cx="${tx}" cy="${ty}"/></svg>`;
    }
    let right = 0;
    let rows = "";
    numbers.points.forEach((p, i) => {
      const z = sum(p);
      const says = z > 0 ? 1 : -1;
      const good = says === wants[i];
      right += good;
      const [x, y] = at(p);
      svg += `<circle class="${wants[i] > 0 ? "f0 s0" : "empty s1"}" stroke-width="3" r="8" cx="${x}" cy="${y}"/>
        <text class="strong" x="${x + 13}" y="${y - 8}">${good ? "\u2713" : "\u2717"} ${number(z)}</text>`;
      rows += `<tr><td>${p.map(number).join(", ")}</td><td>${number(z)}</td><td>${number(says)}</td><td>${number(wants[i])}</td><td>${good ? "\u2713" : "\u2717"}</td></tr>`;
    });
    const text = `<table class="nn-numbers"><tr><th>x\u2081,x\u2082</th><th>sum</th><th>says</th><th>${target.value}</th><th>right</th></tr>${rows}</table>
      <p>${target.value}: <b>${right} of 4</b> points right.</p>`;
    return { height: size + 10, svg, text };
  };
});
