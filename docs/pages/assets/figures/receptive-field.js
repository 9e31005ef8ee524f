// What one place of the last layer sees: the reader sets layers, windows, strides and the place.
nnFigure("receptive-field", ({ numbers, range }) => {
  const { pixels } = numbers;
  const layers = range("layers", 1, 4, 1, numbers.layers);
  const window = range("window", 1, 5, 1, numbers.window);
  const stride = range("stride", 1, 3, 1, numbers.stride);
  const place = range("place", 1, 10, 1, numbers.place);

  return (width) => {
    const [k, s] = [window.value, stride.value];
    const counts = [pixels];
    while (counts.length <= layers.value) {
      const more = Math.floor((counts[counts.length - 1] - k) / s) + 1;
      if (more < 1) break; // no window fits
      counts.push(more);
    }
    const last = counts.length - 1;
    place.input.max = counts[last];
    const at = Math.min(place.value, counts[last]);
    const seen = [new Set([at - 1])];
    for (let l = last; l > 0; l -= 1) {
      seen.unshift(new Set([...seen[0]].flatMap((p) => [...Array(k).keys()].map((tap) => s * p + tap))));
    }
    const cell = (width - 4) / pixels;
    const size = Math.max(4, cell - 3);
    const apart = 58;
    const terms = [...Array(last).keys()].map((l) => (k - 1) * s ** l);
    const reach = (l) => terms.slice(0, l).reduce((sum, term) => sum + term, 0);
    const x = (l, p) => 2 + cell * (p * s ** l + reach(l) / 2 + 0.5);
    const y = (l) => 20 + apart * (last - l);
    let squares = "";
    let lines = "";
    counts.forEach((count, l) => {
      squares += `<text class="small" x="2" y="${y(l) - 6}">${l ? `layer ${l}: ${count} places` : `${count} pixels`}</text>`;
      for (let p = 0; p < count; p += 1) {
        const inside = seen[l].has(p);
        squares += `<rect class="${inside ? "f0 seen" : "axis"} layer${l}" ${inside ? "" : 'fill="none"'} x="${x(l, p) - size / 2}" y="${y(l)}" width="${size}" height="${size}"/>`;
        for (let tap = 0; l && inside && tap < k; tap += 1) {
          lines += `<line class="s0" stroke-width="1" x1="${x(l, p)}" x2="${x(l - 1, s * p + tap)}" y1="${y(l) + size}" y2="${y(l - 1)}"/>`;
        }
      }
    });
    const all = [1, ...terms];
    const field = all.reduce((sum, term) => sum + term, 0);
    const holes = field - seen[0].size;
    const text = `<p class="line">Place ${at} of ${counts[last]}: ${all.join(" + ")} = ${field} pixels${
      holes ? `, of which ${holes} are never read` : ""
    }.${last < layers.value ? ` No window fits into layer ${last + 1}.` : ""}</p>`;
    return { height: y(0) + size + 4, svg: lines + squares, text };
  };
});
