// Replay of a trace: a clock over the timeline, played, stepped and scrubbed; it tells the terminal where it stands.
(function () {
  "use strict";
  var SLOWLY_MS = 500;
  var STEP_MS = 100;
  var benchledger = (window.benchledger = window.benchledger || {});
  var still = window.matchMedia("(prefers-reduced-motion: reduce)");
  var keys = null; // of the replay that is on the page

  function begin(since) {
    var place = document.getElementById("replay-player");
    if (!place) return;
    var drawing = place.querySelector("svg.timeline");
    var from = Number(place.dataset.from);
    var to = Number(place.dataset.to);

    function shown(name) { return place.querySelector('[data-show="' + name + '"]'); }
    function part(name) { return place.querySelector('[data-do="' + name + '"]'); }
    function read(rect) {
      var start = Number(rect.dataset.start);
      // Without an end, or with one before the start, it is as the drawing has it: to the end, or a moment.
      var end = rect.dataset.end === "" ? to : Math.max(start, Number(rect.dataset.end));
      return { rect: rect, start: start, end: end, depth: Number(rect.dataset.depth || 0), id: rect.dataset.span, call: rect.dataset.call };
    }
    var spans = Array.from(drawing.querySelectorAll("[data-span]"), read);
    var calls = Array.from(drawing.querySelectorAll("[data-call]"), read);
    var steps = spans.length ? spans : calls;

    var head = document.createElementNS("http://www.w3.org/2000/svg", "line");
    head.setAttribute("class", "head");
    head.setAttribute("y1", "0");
    head.setAttribute("y2", "100%");
    drawing.appendChild(head);

    var at = Math.min(to, Math.max(from, since === null ? from : since));
    var current = -1;
    var playing = false;
    var last = 0;
    var said = 0;
    var marked = [];

    function clock(ms) { return (ms / 1000).toFixed(3) + " s"; }
    function clamp(ms) { return Math.min(to, Math.max(from, ms)); }

    // The innermost span that is open at `at`, of several the one that started last; else the last that started.
    function found(list) {
      var best = -1;
      var before = -1;
      list.forEach(function (item, index) {
        if (item.start > at) return;
        before = index;
        if (item.end >= at && (best < 0 || item.depth >= list[best].depth)) best = index;
      });
      return { open: best, near: best < 0 ? before : best };
    }

    function row(item) { return item.id ? document.getElementById("span-" + item.id) : null; }

    function line(parent, text, name) {
      var made = document.createElement("p");
      made.textContent = text;
      if (name) made.className = name;
      parent.appendChild(made);
      return made;
    }

    function tell(item, open) {
      var now = shown("now");
      now.textContent = "";
      now.hidden = false;
      if (!item) { line(now, "No span has started yet.", "muted"); return; }
      var title = item.rect.querySelector("title").textContent;
      line(now, title + (open ? "" : " (has ended; nothing is open now)")).setAttribute("data-current", item.id || "call " + item.call);
      var its = row(item);
      if (!its) return;
      // What the table says of attributes, errors and faults.
      Array.from(its.lastElementChild.childNodes).forEach(function (node) { now.appendChild(node.cloneNode(true)); });
      var link = document.createElement("a");
      link.href = "#" + its.id;
      link.textContent = "its row";
      now.appendChild(link);
    }

    function mark() {
      marked.forEach(function (node) { node.classList.remove("on"); });
      marked = [];
      function add(node) { if (node) { node.classList.add("on"); marked.push(node); } }
      if (current >= 0) { add(steps[current].rect); add(row(steps[current])); }
      calls.forEach(function (call) { if (call.start <= at && call.end >= at) add(call.rect); });
    }

    function show(chosen) {
      var seen = found(steps);
      var next = chosen === undefined ? seen.near : chosen;
      var open = chosen !== undefined || seen.open >= 0;
      var key = next + (open ? "+" : "-");
      if (key !== show.key) { show.key = key; current = next; tell(steps[next], open); }
      current = next;
      mark();
      var x = ((at - from) / (to - from)) * 100 + "%";
      head.setAttribute("x1", x);
      head.setAttribute("x2", x);
      var open_calls = calls.filter(function (call) { return call.start <= at && call.end >= at; });
      shown("clock").textContent = clock(at) + (open_calls.length ? " · model call " + open_calls[0].call : "");
      var bar = part("scrub");
      bar.value = String(at);
      bar.setAttribute("aria-valuetext", clock(at));
      document.dispatchEvent(new CustomEvent("benchledger:clock", { detail: { ms: at, playing: playing } }));
    }

    // Said once the reader rests, and not while it plays.
    function say() {
      window.clearTimeout(said);
      said = window.setTimeout(function () {
        if (playing) return;
        var item = steps[current];
        shown("said").textContent = clock(at) + ": " + (item ? item.rect.querySelector("title").textContent : "no span yet");
      }, 400);
    }

    function speed() {
      var value = part("speed").value;
      return value === "fit" ? (to - from) / 20000 : Number(value);
    }

    function tick(time) {
      if (!playing) return;
      var passed = time - last;
      // Without motion where none is wanted: the clock goes on in steps.
      if (!still.matches || passed >= SLOWLY_MS) {
        last = time;
        at = clamp(at + passed * speed());
        if (at >= to) { pause(); show(); return; }
        show();
      }
      window.requestAnimationFrame(tick);
    }

    function looks() {
      var button = part("play");
      button.textContent = playing ? "Pause" : "Play";
      button.setAttribute("aria-pressed", String(playing));
    }

    function pause() { playing = false; looks(); say(); }

    function play() {
      if (at >= to) at = from;
      playing = true;
      last = window.performance.now();
      looks();
      window.requestAnimationFrame(tick);
    }

    function toggle() { if (playing) { pause(); show(); } else { play(); } }

    function go(ms) { pause(); at = clamp(ms); show(); say(); }

    function step(by) {
      if (!steps.length) return;
      pause();
      var next = Math.min(steps.length - 1, Math.max(0, current < 0 ? 0 : current + by));
      at = clamp(steps[next].start);
      show(next);
      say();
      if (steps[next].rect.scrollIntoView) keep(steps[next].rect);
    }

    // Into sight within the timeline's own scrolling region, never the page.
    function keep(rect) {
      var region = place.querySelector(".scroll");
      var box = rect.getBoundingClientRect();
      var frame = region.getBoundingClientRect();
      if (box.left < frame.left) region.scrollLeft -= frame.left - box.left + 20;
      if (box.left > frame.right - 20) region.scrollLeft += box.left - frame.right + 60;
    }

    var KEYS = {
      " ": toggle,
      ArrowLeft: function () { step(-1); },
      ArrowRight: function () { step(1); },
      ",": function () { go(at - STEP_MS); },
      ".": function () { go(at + STEP_MS); },
      Home: function () { go(from); },
      End: function () { go(to); }
    };

    function inSight() {
      var box = place.getBoundingClientRect();
      return box.bottom > 0 && box.top < window.innerHeight;
    }

    if (keys) document.removeEventListener("keydown", keys);
    keys = function (event) {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      var act = KEYS[event.key];
      if (!act) return;
      var target = event.target;
      var inside = place.contains(target);
      // A menu of speeds, a button and a link keep the keys that they have of their own.
      if (inside && target.matches("select")) return;
      if (inside && event.key === " " && target.matches("button, a, summary")) return;
      var nobody = target === document.body || target === document.documentElement || target.id === "main";
      if (!inside && !(nobody && inSight() && event.key !== "Home" && event.key !== "End")) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", keys);

    function under(event) {
      var box = drawing.getBoundingClientRect();
      return from + ((event.clientX - box.left) / box.width) * (to - from);
    }

    var dragged = false;
    drawing.addEventListener("pointerdown", function (event) {
      if (event.button !== 0) return;
      dragged = true;
      drawing.setPointerCapture(event.pointerId);
      go(under(event));
      // A click on a bar means that span, whatever else is open there.
      var index = spans.findIndex(function (item) { return item.rect === event.target; });
      if (index >= 0 && steps === spans) show(index);
    });
    drawing.addEventListener("pointermove", function (event) { if (dragged) go(under(event)); });
    ["pointerup", "pointercancel"].forEach(function (name) {
      drawing.addEventListener(name, function () { dragged = false; });
    });

    part("play").addEventListener("click", toggle);
    part("back").addEventListener("click", function () { step(-1); });
    part("on").addEventListener("click", function () { step(1); });
    part("scrub").addEventListener("input", function () { go(Number(part("scrub").value)); });

    place.querySelector(".controls").hidden = false;
    place.querySelector(".keys").hidden = false;
    var before = benchledger.replay;
    var went = before && before.playing();
    if (went) before.pause();
    benchledger.replay = {
      time: function () { return at; },
      playing: function () { return playing; },
      pause: pause,
      go: go
    };
    show();
    if (went) play();
  }

  begin(null);
  // The trace of a running attempt grows: the replay stays where it was.
  (benchledger.renewals = benchledger.renewals || []).push(function (fresh) {
    if (fresh.id === "replay-body") begin(benchledger.replay ? benchledger.replay.time() : null);
  });
})();
