// A window on a small image: the reader moves it, and sets stride, padding and dilation. Every product is shown.
nnFigure("convolution-window", ({ numbers, range, number }) => {
  const { image, kernel, place } = numbers;
  const size = image.length;
  const taps = kernel.length;
  const window = range("window", 1, 16, 1, place, (v) => String(v));
  const stride = range("stride", 1, 3, 1, 1);
  const padding = range("padding", 0, 2, 1, 0);
  const dilation = range("dilation", 1, 2, 1, 1);

  const read = (i, j) => image[i - padding.value]?.[j - padding.value];
  const value = (i, j) => read(i, j) ?? 0;
  function sum(row, column) {
    let total = 0;
    kernel.forEach((line, a) => line.forEach((w, c) => {
      total += w * value(row * stride.value + a * dilation.value, column * stride.value + c * dilation.value);
    }));
    return total;
  }

  return (width) => {
    const whole = size + 2 * padding.value;
    const count = Math.floor((whole - dilation.value * (taps - 1) - 1) / stride.value) + 1;
    window.input.max = count * count;
    const at = Math.min(window.value, count * count) - 1;
    const row = Math.floor(at / count);
    const column = at % count;
    const apart = width >= 600; // the output beside the image, else below it
    const cell = Math.min(34, (apart ? width - 40 : width - 4) / (apart ? whole + count : whole));
    const across = apart ? whole * cell + 30 : 0;
    const down = apart ? 0 : whole * cell + 30;
    const box = (x, y, kind) => `<rect class="${kind}" fill="none" x="${x}" y="${y}" width="${cell}" height="${cell}"/>`;
    const word = (x, y, text, kind) => `<text class="${kind}" text-anchor="middle" x="${x + cell / 2}" y="${y + cell / 2 + 4}">${text}</text>`;
    const hit = new Map();
    kernel.forEach((line, a) => line.forEach((w, c) => {
      hit.set(`${row * stride.value + a * dilation.value},${column * stride.value + c * dilation.value}`, w);
    }));
    let under = "";
    let over = "";
    const products = [];
    for (let i = 0; i < whole; i += 1) {
      for (let j = 0; j < whole; j += 1) {
        const x = 2 + j * cell;
        const y = 22 + i * cell;
        const w = hit.get(`${i},${j}`);
        const shown = number(value(i, j));
        if (w === undefined) {
          under += box(x, y, "axis") + word(x, y, shown, "small");
        } else {
          over += box(x, y, "s0") + word(x, y, shown, "strong small");
          products.push(`${number(w)} · ${shown}`);
        }
      }
    }
    for (let i = 0; i < count; i += 1) {
      for (let j = 0; j < count; j += 1) {
        const x = 2 + across + j * cell;
        const y = 22 + down + i * cell;
        const here = i === row && j === column;
        const part = box(x, y, here ? "s0" : "axis") + word(x, y, number(sum(i, j)), here ? "strong small out" : "small out");
        if (here) over += part;
        else under += part;
      }
    }
    const heads = `<text class="strong" x="2" y="14">image${padding.value ? " with its zeros" : ""}</text>
      <text class="strong" x="${2 + across}" y="${14 + down}">output</text>`;
    const height = apart ? whole * cell + 28 : down + count * cell + 28;
    const text = `<p class="line">window ${at + 1} of ${count * count}: ${products.join(" + ")} = ${number(sum(row, column))}</p>`;
    return { height, svg: heads + under + over, text };
  };
});
