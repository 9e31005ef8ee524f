// A straight line in the space of codes, from the mean code of one digit to that of another, and the image on the way.
nnFigure("autoencoder-codes", ({ numbers, range, choice, number }) => {
  const digits = numbers.means.map((_, digit) => String(digit));
  const from = choice("from the mean code of", digits, "0");
  const to = choice("to that of", digits, "6");
  const share = range("share of the way", 0, 1, 0.02, 0.5);
  const REACH = 3;
  const SIDE = 8;

  const layer = (x, kernel, bias) => bias.map((b, j) => x.reduce((sum, value, i) => sum + value * kernel[i][j], b));

  function decode(code) {
    const hidden = layer(code, numbers.decoder_kernel_1, numbers.decoder_bias_1).map(Math.tanh);
    return layer(hidden, numbers.decoder_kernel_0, numbers.decoder_bias_0);
  }

  return (width) => {
    const side = Math.min((width - 28) / 2, 280);
    const top = 22;
    const place = ([x, y]) => [(side * (x + REACH)) / (2 * REACH), top + (side * (REACH - y)) / (2 * REACH)];
    const start = numbers.means[Number(from.value)];
    const end = numbers.means[Number(to.value)];
    const code = start.map((value, i) => value + share.value * (end[i] - value));
    const image = decode(code);

    const codes = numbers.codes.map(([x, y, digit]) => {
      const [left, down] = place([x, y]);
      return `<text class="small" text-anchor="middle" opacity="0.55" x="${left.toFixed(1)}" y="${(down + 4).toFixed(1)}">${digit}</text>`;
    });
    const [a, b, at] = [start, end, code].map((one) => place(one).map((value) => value.toFixed(1)));
    const pixel = side / SIDE;
    const pixels = image.map((value, i) => {
      const x = side + 24 + (i % SIDE) * pixel;
      const y = top + Math.floor(i / SIDE) * pixel;
      const ink = Math.min(1, Math.max(0, value)).toFixed(3);
      return `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${pixel.toFixed(2)}" height="${pixel.toFixed(2)}"
        style="fill:var(--md-default-fg-color);fill-opacity:${ink}"/>`;
    });
    const svg = `<text class="strong" x="0" y="14">codes</text>
      <text class="strong" x="${side + 24}" y="14">image of the code</text>
      ${codes.join("")}
      <path class="s0" d="M${a.join(" ")}L${b.join(" ")}"/>
      <circle cx="${at[0]}" cy="${at[1]}" r="6" style="fill:var(--nn-variant)"/>
      <path class="grid" d="M${side + 24} ${top}h${side}v${side}h${-side}z"/>${pixels.join("")}`;
    const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
    const text = `<p>Code (${number(code[0], 3)}, ${number(code[1], 3)}); the mean of the pixels of its image is ${number(mean, 3)}.</p>`;
    return { height: side + top + 6, svg, text };
  };
});
