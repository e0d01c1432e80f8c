// What every page has: the shared object, and on a live server the page that renews itself.
(function () {
  "use strict";
  var benchledger = (window.benchledger = window.benchledger || {});

  // Parts that a script fills anew after the page was renewed: each is called with the new <main>.
  benchledger.renewals = benchledger.renewals || [];

  // Return what the page carries for scripts under an id, null where it carries nothing.
  benchledger.data = function (id) {
    var block = document.getElementById(id);
    return block ? JSON.parse(block.textContent) : null;
  };

  var address = document.body.getAttribute("data-live");
  if (!address || !window.EventSource) return;
  var said = document.getElementById("live");
  var first = document.body.getAttribute("data-head");
  var busy = false;
  var again = false;

  function tell(text) {
    if (said && said.textContent !== text) said.textContent = text;
  }

  // A reader who is writing, playing or has opened something is not disturbed: regions marked data-renew
  // are taken over from the new page, all else stays as it is.
  function renew() {
    if (busy) { again = true; return; }
    busy = true;
    fetch(location.href, { headers: { Accept: "text/html" } })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(new Error(answer.status)); })
      .then(function (text) {
        var fresh = new DOMParser().parseFromString(text, "text/html");
        document.querySelectorAll("[data-renew]").forEach(function (old) {
          var found = fresh.getElementById(old.id);
          if (found && found.innerHTML !== old.innerHTML) {
            old.replaceWith(document.adoptNode(found));
            benchledger.renewals.forEach(function (call) { call(document.getElementById(found.id)); });
          }
        });
        tell("live: renewed at " + new Date().toLocaleTimeString());
      })
      .catch(function () { tell("live: the server does not answer; this page may be old"); })
      .then(function () { busy = false; if (again) { again = false; renew(); } });
  }

  var source = new EventSource(address);
  source.addEventListener("head", function (event) {
    var head = JSON.parse(event.data);
    var now = head ? head.hash : "";
    if (now !== first) { first = now; renew(); } else { tell("live: this page is up to date"); }
  });
  source.onerror = function () { tell("live: the connection is lost, trying again"); };
  window.addEventListener("pagehide", function () { source.close(); });
})();
