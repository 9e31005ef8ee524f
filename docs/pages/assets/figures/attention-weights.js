// One query, the scores of all keys, and the weights that a softmax makes of them; keys can be masked.
nnFigure("attention-weights", ({ numbers, range, choice, number }) => {
  const place = range("query of word", 1, numbers.words.length, 1, 5);
  const scale = range("scale s", 0, 4, 0.25, 0.75);
  const masked = choice("masked", ["no word", "later words", "the largest weight"], "no word");

  function weighed(scores, seen) {
    const largest = Math.max(...scores.filter((_, j) => seen[j]));
    const e = scores.map((s, j) => (seen[j] ? Math.exp(s - largest) : 0));
    const sum = e.reduce((total, v) => total + v, 0);
    return e.map((v) => v / sum);
  }

  return (width) => {
    const { words, queries, keys } = numbers;
    const asks = place.value - 1;
    const scores = keys.map((k) => scale.value * (queries[asks][0] * k[0] + queries[asks][1] * k[1]));
    let seen = words.map((_, j) => masked.value !== "later words" || j <= asks);
    if (masked.value === "the largest weight") {
      const first = scores.indexOf(Math.max(...scores));
      seen = words.map((_, j) => j !== first);
    }
    const a = weighed(scores, seen);
    const [top, high] = [38, 150];
    const step = Math.min(width, 560) / words.length;
    const left = (width - step * words.length) / 2;
    let svg = `<text class="strong" x="${left}" y="14">weights for \u201c${words[asks]}\u201d</text>
      <line class="axis" x1="${left}" x2="${left + step * words.length}" y1="${top + high}" y2="${top + high}"/>`;
    words.forEach((word, j) => {
      const [x, tall] = [left + j * step, a[j] * high];
      const middle = x + step / 2;
      svg += `<rect class="${j === asks ? "f1" : "f0"}" x="${x + step * 0.2}" y="${top + high - tall}" width="${step * 0.6}" height="${tall}"/>
        <text class="strong" x="${middle}" y="${top + high - tall - 5}" text-anchor="middle">${seen[j] ? a[j].toFixed(2) : "\u2715"}</text>
        <text x="${middle}" y="${top + high + 17}" text-anchor="middle">${word}</text>`;
    });
    const rows = words.map((word, j) => `<tr><td>${word}</td><td>${keys[j].map(number).join(", ")}</td><td>${number(Number(scores[j].toFixed(4)))}</td>
      <td>${seen[j] ? "yes" : "no"}</td><td>${a[j].toFixed(3)}</td></tr>`);
    const most = a.indexOf(Math.max(...a));
    const text = `<table class="nn-numbers"><tr><th>word</th><th>key</th><th>score</th><th>seen</th><th>weight</th></tr>${rows.join("")}</table>
      <p>${scale.value ? `\u201c${words[asks]}\u201d takes most of \u201c${words[most]}\u201d.` : "With a scale of 0 all words that are seen count alike."}</p>`;
    return { height: top + high + 28, svg, text };
  };
});
