// Evidence: open or fold all, wrap long lines or not, and open what a link points to.
(function () {
  "use strict";
  function button(place, text, act) {
    var made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", function () { act(made); });
    place.appendChild(made);
  }

  function folding(place, selector) {
    function all(open) {
      place.parentNode.querySelectorAll(selector).forEach(function (each) { each.open = open; });
    }
    button(place, "Open all", function () { all(true); });
    button(place, "Fold all", function () { all(false); });
  }

  function wrapping(place) {
    button(place, "Do not wrap lines", function (made) {
      var unwrapped = place.parentNode.classList.toggle("unwrapped");
      made.setAttribute("aria-pressed", String(unwrapped));
    });
  }

  function equip(part) {
    part.querySelectorAll("[data-folding]:empty").forEach(function (place) {
      var what = place.getAttribute("data-folding");
      if (what === "patch") folding(place, "details.file");
      if (what === "calls") folding(place, "details.call");
      if (what !== "calls") wrapping(place);
    });
  }
  equip(document);
  var benchledger = (window.benchledger = window.benchledger || {});
  (benchledger.renewals = benchledger.renewals || []).push(equip);

  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  }
  window.addEventListener("hashchange", reveal);
  reveal();
})();
