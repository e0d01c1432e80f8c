// Tables that can be sorted by a column and filtered, and lists of events that can be filtered. A page
// without this script shows everything in the order of the server.
(function () {
  "use strict";
  var benchledger = (window.benchledger = window.benchledger || {});
  var bars = {}; // what gives new rows to a filter, by the key of its table
  var orders = {}; // column and direction by which a reader sorted a table
  var MOST = 60; // choices of one select; where there are more, the text filter finds them

  function shown(cell) {
    return cell.textContent.trim().replace(/\s+/g, " ");
  }

  function make(name, text) {
    var made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function labelled(text, input) {
    var label = make("label", text);
    input.setAttribute("aria-label", text);
    label.appendChild(input);
    return label;
  }

  // Sort the rows by one column: numbers by size, all else as text; what has no number comes last.
  function sortable(table) {
    var heads = table.tHead ? Array.from(table.tHead.rows[0].cells) : [];
    heads.forEach(function (head, column) {
      if (head.querySelector(".tall")) return;
      var button = make("button");
      button.type = "button";
      button.className = "sort";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") !== "ascending" : !head.classList.contains("num");
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        orders[keyOf(table)] = { column: column, up: up };
        sort(table, column, up);
      });
    });
    var order = orders[keyOf(table)];
    if (order) {
      heads[order.column].setAttribute("aria-sort", order.up ? "ascending" : "descending");
      sort(table, order.column, order.up);
    }
  }

  function value(row, column) {
    var cell = row.cells[column];
    if (!cell) return { text: "", number: NaN };
    var given = cell.getAttribute("data-v");
    var text = given === null ? shown(cell) : given;
    return { text: text, number: parseFloat(text.replace(/,/g, "")) };
  }

  function sort(table, column, up) {
    var body = table.tBodies[0];
    var rows = Array.from(body.rows).map(function (row) { return { row: row, key: value(row, column) }; });
    var numeric = rows.some(function (item) { return !isNaN(item.key.number) && /^[-+\d.]/.test(item.key.text); }) &&
      table.tHead.rows[0].cells[column].classList.contains("num");
    rows.sort(function (a, b) {
      if (numeric) {
        if (isNaN(a.key.number) || isNaN(b.key.number)) return isNaN(a.key.number) - isNaN(b.key.number);
        return up ? a.key.number - b.key.number : b.key.number - a.key.number;
      }
      var order = a.key.text < b.key.text ? -1 : a.key.text > b.key.text ? 1 : 0;
      return up ? order : -order;
    });
    rows.forEach(function (item) { body.appendChild(item.row); });
  }

  // Put a text filter, and a choice for each column that asks for one, above what can be filtered. The bar stands
  // outside of regions that a live page renews, so that what a reader wrote into it stays and holds for the new rows.
  function filterable(key, place, items, columns, word) {
    if (bars[key]) { bars[key](items); return; }
    var bar = make("div");
    bar.className = "filters";
    bar.setAttribute("role", "search");
    bar.setAttribute("aria-label", "Filter " + word);
    var text = make("input");
    text.type = "search";
    bar.appendChild(labelled("Filter", text));
    var picks = columns.map(function (column) {
      var values = valuesOf(items, column);
      if (values.length < 2 || values.length > MOST) return null;
      var select = make("select");
      select.appendChild(make("option", "any")).value = "";
      bar.appendChild(labelled(column.name, select));
      return { select: select, column: column };
    }).filter(Boolean);
    var said = make("span");
    said.className = "said";
    said.setAttribute("role", "status");
    bar.appendChild(said);

    function apply() {
      var wanted = text.value.toLowerCase();
      var left = 0;
      items.forEach(function (item) {
        var fits = picks.every(function (pick) { return !pick.select.value || pick.column.of(item) === pick.select.value; }) &&
          (!wanted || item.textContent.toLowerCase().indexOf(wanted) >= 0);
        item.hidden = !fits;
        if (fits) left += 1;
      });
      said.textContent = left === items.length ? "" : left + " of " + items.length + " " + word;
    }

    function take(now) {
      items = now;
      picks.forEach(function (pick) {
        var offered = Array.from(pick.select.options).map(function (option) { return option.value; });
        valuesOf(items, pick.column).forEach(function (each) {
          if (offered.indexOf(each) < 0) pick.select.appendChild(make("option", each)).value = each;
        });
      });
      apply();
    }

    text.addEventListener("input", apply);
    picks.forEach(function (pick) { pick.select.addEventListener("change", apply); });
    var region = place.closest("[data-renew]") || place;
    region.parentNode.insertBefore(bar, region);
    bars[key] = take;
    take(items);
  }

  function valuesOf(items, column) {
    return Array.from(new Set(items.map(column.of))).filter(Boolean).sort();
  }

  function keyOf(found) {
    var region = found.closest(".scroll");
    return found.id || (region && region.getAttribute("aria-label")) || found.getAttribute("data-filter");
  }

  function table(found) {
    var rows = Array.from(found.tBodies[0].rows);
    var columns = Array.from(found.tHead.rows[0].cells).map(function (head, column) {
      return { name: shown(head), wanted: head.hasAttribute("data-pick"), of: function (row) { return row.cells[column] ? shown(row.cells[column]) : ""; } };
    }).filter(function (column) { return column.wanted; });
    if (rows.length > 1 || bars[keyOf(found)]) {
      filterable(keyOf(found), found.closest(".scroll") || found, rows, columns, found.getAttribute("data-filter"));
    }
  }

  function events(list) {
    var items = Array.from(list.children);
    var type = { name: "Type", of: function (item) { return item.getAttribute("data-type"); } };
    if (items.length > 1) filterable("events", list, items, [type], "events");
  }

  // An event that a link names is opened, so that its payload is in sight.
  function open() {
    var named = /^#e\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (!named) return;
    var details = named.querySelector("details");
    if (details) details.open = true;
    named.scrollIntoView();
  }

  function start(root) {
    root.querySelectorAll("table[data-filter]").forEach(table);
    root.querySelectorAll("ol.events").forEach(events);
    root.querySelectorAll("table[data-sort]").forEach(sortable);
  }

  (benchledger.renewals = benchledger.renewals || []).push(start);
  start(document);
  open();
  window.addEventListener("hashchange", open);
})();
