// What changed on a leaderboard since this reader saw it last. It is remembered in the reader's browser alone:
// the head and, for each row, its rank and composite.
(function () {
  "use strict";
  var place = document.getElementById("since");
  var table = document.querySelector("#board-rows table.board");
  if (!place || !table) return;
  var name = "benchledger board " + place.getAttribute("data-ledger") + " " + place.getAttribute("data-policy");

  function cell(row, column) {
    var found = row.querySelector('[data-col="' + column + '"]');
    return found ? found.textContent.replace(/\s+/g, " ").trim() : "";
  }

  function seen() {
    var rows = {};
    table.querySelectorAll("tbody tr").forEach(function (row) {
      var value = row.querySelector('[data-col="composite"] data');
      var key = [cell(row, "agent"), "with", cell(row, "model"), "(" + cell(row, "mode").split(",")[0] + ")"].join(" ");
      rows[key] = [cell(row, "rank"), value ? Number(value.value).toFixed(3) : "–", cell(row, "passed")];
    });
    return { head: place.getAttribute("data-head"), at: new Date().toISOString().slice(0, 16).replace("T", " "), rows: rows };
  }

  function changes(before, now) {
    var said = [];
    Object.keys(now).forEach(function (key) {
      var old = before[key], row = now[key];
      if (!old) said.push(key + ": new, rank " + row[0] + ", composite " + row[1]);
      else if (old.join() !== row.join()) {
        var parts = [["rank", 0], ["composite", 1], ["solved", 2]].filter(function (part) { return old[part[1]] !== row[part[1]]; });
        said.push(key + ": " + parts.map(function (part) { return part[0] + " " + old[part[1]] + " → " + row[part[1]]; }).join(", "));
      }
    });
    Object.keys(before).forEach(function (key) { if (!now[key]) said.push(key + ": no longer here, was rank " + before[key][0]); });
    return said;
  }

  function show(before, now) {
    var said = changes(before.rows, now.rows);
    place.querySelector("summary").textContent = said.length
      ? "Changed since your last visit, " + before.at + " UTC: " + said.length + (said.length === 1 ? " row" : " rows")
      : "No row has changed since your last visit, " + before.at + " UTC, though events were appended";
    var list = place.querySelector("ul");
    said.slice(0, 100).forEach(function (text) {
      var item = document.createElement("li");
      item.textContent = text;
      list.appendChild(item);
    });
    place.hidden = false;
  }

  try {
    var kept = JSON.parse(localStorage.getItem(name)) || {};
    var now = seen();
    if (!kept.now || kept.now.head !== now.head) kept = { before: kept.now, now: now };
    localStorage.setItem(name, JSON.stringify(kept));
    if (kept.before) show(kept.before, now);
  } catch (error) {
    // A browser that keeps nothing, or what is no longer ours: then there is no last visit.
  }
})();
