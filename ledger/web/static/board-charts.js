// Numbers and foreign names as the server writes them, and the charts of the leaderboard under other weights.
(function () {
  "use strict";
  const { fixed } = window.benchledger.statistics;

  // Text as the server writes it.

  const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

  function clean(text) {
    return text.replace(HIDDEN, (char) => {
      const code = char.codePointAt(0);
      if (code < 0x20) return String.fromCodePoint(0x2400 + code);
      return code === 0x7f ? "␡" : "⟨U+" + code.toString(16).toUpperCase().padStart(4, "0") + "⟩";
    });
  }

  function grouped(text) {
    const [whole, rest] = text.split(".");
    return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest === undefined ? "" : "." + rest);
  }

  function seconds(ms) { return grouped(fixed(ms / 1000, 1)) + " s"; }

  function money(value, currency) {
    return (grouped(fixed(value, value >= 0.01 || value === 0 ? 4 : 6)) + " " + (currency || "")).trimEnd();
  }

  /* rows: by the place of their line on the page; undefined where filters leave a row out. */
  function showHeat(heat, rows, tasks) {
    if (!heat) return;
    for (const line of heat.tBodies[0].rows) {
      const row = rows[line.dataset.row];
      line.hidden = row === undefined;
      if (row === undefined) continue;
      tasks.forEach((task, at) => {
        const cell = line.cells[at + 1], value = row.byTask.get(task), place = cell.querySelector("a") || cell;
        if (value === undefined) {
          if (cell.className) { cell.className = ""; place.textContent = row.row.tasks.has(task) ? "no score" : "not shown"; }
          return;
        }
        cell.className = "heat-" + Math.max(0, Math.min(10, Math.floor(value * 10 + 0.5)));
        place.textContent = fixed(value, 2);
      });
    }
  }

  function showScatter(svg, rows) {
    const { field, currency } = svg.dataset;
    const [low, high, most, left, right, top, bottom] = ["low", "high", "most", "left", "right", "top", "bottom"].map((name) => Number(svg.dataset[name]));
    const log = svg.dataset.log === "1", points = [];
    const within = (value, one, other) => Math.min(Math.max(value, one), other);
    for (const group of svg.querySelectorAll("g[data-row]")) {
      const row = rows[group.dataset.row], cost = row ? row.facts[field] : null;
      const drawn = row && row.composite !== null && cost !== null && (field !== "cost_per_solved" || row.facts.currency === currency);
      group.toggleAttribute("hidden", !drawn);
      group.setAttribute("display", drawn ? "inline" : "none");
      if (!drawn) continue;
      const share = log ? Math.log10(Math.max(cost, low) / low) / Math.log10(high / low) : (cost - low) / (high - low);
      const x = left + (right - left) * within(share, 0, 1), y = bottom - (bottom - top) * within(row.composite / most, 0, 1);
      const dot = group.querySelector("circle"), label = group.querySelector("text");
      if (label) {
        label.setAttribute("x", (Number(label.getAttribute("x")) + x - Number(dot.getAttribute("cx"))).toFixed(1));
        label.setAttribute("y", (Number(label.getAttribute("y")) + y - Number(dot.getAttribute("cy"))).toFixed(1));
      }
      dot.setAttribute("cx", x.toFixed(1));
      dot.setAttribute("cy", y.toFixed(1));
      const name = row.key.slice(0, 3).filter(Boolean).map(clean).join(" · ");
      const text = field === "cost_per_solved" ? money(cost, currency) : seconds(cost);
      group.querySelector("title").textContent = name + ": " + fixed(row.composite, 3) + ", " + text;
      points.push({ at: group.dataset.row, dot, x, y, cost, score: row.composite, text });
    }
    showFront(svg, points, right, bottom);
  }

  function showFront(svg, points, right, bottom) {
    let best = -1, cost = 0, path = "";
    const front = new Set();
    points.sort((a, b) => a.cost - b.cost || b.score - a.score);
    for (const point of points) {
      if (!(point.score > best || (point.score === best && point.cost === cost))) continue;
      [best, cost] = [point.score, point.cost];
      front.add(point.at);
      path += path ? "H" + point.x.toFixed(1) + "V" + point.y.toFixed(1) : "M" + point.x.toFixed(1) + " " + bottom + "V" + point.y.toFixed(1);
    }
    svg.querySelector(".front").setAttribute("d", path && path + "H" + right);
    const lines = new Map([...svg.closest(".scroll").nextElementSibling.querySelectorAll("tr[data-row]")].map((line) => [line.dataset.row, line]));
    for (const line of lines.values()) line.hidden = true;
    for (const point of points) {
      point.dot.classList.toggle("on-front", front.has(point.at));
      const line = lines.get(point.at);
      if (!line) continue;
      line.hidden = false;
      line.cells[1].textContent = fixed(point.score, 3);
      line.cells[2].textContent = point.text;
      line.cells[3].textContent = front.has(point.at) ? "on the front" : "beaten";
    }
  }

  window.benchledger.says = { clean, grouped, money, seconds };
  window.benchledger.charts = { heat: showHeat, scatter: showScatter };
})();
