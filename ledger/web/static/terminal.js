// The terminal of a cell: asciinema-player over the recording, opened when it comes into sight, never playing by itself.
(function () {
  "use strict";
  var place = document.getElementById("terminal-player");
  if (!place) return;
  var benchledger = (window.benchledger = window.benchledger || {});
  var offset = place.dataset.offset === undefined ? null : Number(place.dataset.offset);
  var digest = place.dataset.recording;
  var player = null;
  var recording = data("terminal-recording");
  var markers = data("terminal-markers");
  var FOLLOW_MS = 100;

  function part(name) { return place.querySelector('[data-do="' + name + '"]'); }
  function shown(name) { return place.querySelector('[data-show="' + name + '"]'); }
  function data(id) {
    var block = document.getElementById(id);
    return block ? JSON.parse(block.textContent) : null;
  }
  function say(text) { shown("said").textContent = text; }

  function end() {
    var events = recording.events;
    return events.length ? events[events.length - 1][0] : 0;
  }

  // Room for the player before it is there, so that nothing moves when it comes: characters are about 0.6 wide
  // and 1.33 high.
  function reserve(columns, rows) {
    var room = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    room.setAttribute("viewBox", "0 0 " + columns * 0.6 + " " + (rows * 1.33 + 1));
    room.setAttribute("width", "100%");
    room.setAttribute("aria-hidden", "true");
    shown("screen").appendChild(room);
  }

  function create(startAt) {
    shown("screen").textContent = "";
    var options = {
      autoPlay: false,
      preload: true,
      speed: Number(part("speed").value),
      controls: true,
      fit: "width",
      cols: recording.columns,
      rows: recording.rows,
      terminalFontSize: "small",
      markers: markers.filter(function (each) { return each[0] <= end(); })
    };
    var lines = [{ version: 2, width: recording.columns, height: recording.rows }].concat(recording.events);
    try {
      player = window.AsciinemaPlayer.create({ data: lines }, shown("screen"), options);
      benchledger.terminal = player;
      // Where it stood, or what there is at the end; a poster would race with the first seek, and blank it.
      player.seek(startAt).catch(function (error) { say("The player failed: " + error.message); });
    } catch (error) {
      say("The player failed: " + error.message + ". The text of the terminal is below.");
    }
  }

  function open() {
    if (player || !recording) return;
    if (!window.AsciinemaPlayer) { say("The player did not load. The text of the terminal is below."); return; }
    create(end());
  }

  // The recording is in the page, or in a script of its own that registers it: no fetch, which files refuse.
  function load() {
    if (recording) { open(); return; }
    say("Loading the recording …");
    var script = document.createElement("script");
    script.src = place.dataset.script;
    script.onload = function () {
      recording = (benchledger.recordings || {})[digest] || null;
      say(recording ? recording.cut.join("; ") : "The recording could not be read.");
      open();
    };
    script.onerror = function () { say("The recording could not be loaded. The text of the terminal is below."); };
    document.head.appendChild(script);
  }

  part("speed").addEventListener("change", function () {
    if (!player) return;
    var time = player.getCurrentTime() || 0;
    player.dispose();
    create(time);
  });

  // In step with the replay: sought, at most ten times a second, which follows any speed and direction.
  var waiting = 0;
  var wanted = 0;
  document.addEventListener("benchledger:clock", function (event) {
    var box = part("follow");
    if (!player || offset === null || !box || !box.checked) return;
    wanted = Math.min(end(), Math.max(0, (event.detail.ms - offset) / 1000));
    if (waiting) return;
    waiting = window.setTimeout(function () {
      waiting = 0;
      if (player) player.seek(wanted).catch(function () { say("The terminal could not follow the replay."); });
    }, FOLLOW_MS);
  });

  reserve(Number(place.dataset.columns), Number(place.dataset.rows));
  place.querySelector(".controls").hidden = false;
  if (window.IntersectionObserver) {
    var seen = new IntersectionObserver(function (entries) {
      if (entries.some(function (entry) { return entry.isIntersecting; })) { seen.disconnect(); load(); }
    }, { rootMargin: "200px" });
    seen.observe(place);
  } else {
    load();
  }
})();
