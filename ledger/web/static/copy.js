// A button beside each command that copies it. Without this script the text can be selected as it is.
(function () {
  "use strict";
  var benchledger = (window.benchledger = window.benchledger || {});

  function select(node) {
    var range = document.createRange();
    range.selectNodeContents(node);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  // Where the clipboard is refused the text is selected, so that a key copies it.
  function copy(block) {
    var text = block.textContent;
    function byHand() {
      select(block);
      return document.execCommand("copy") ? "Copied" : "Selected";
    }
    if (!navigator.clipboard) return Promise.resolve(byHand());
    return navigator.clipboard.writeText(text).then(function () { return "Copied"; }, byHand);
  }

  function add(block) {
    if (block.parentNode.classList.contains("copying")) return;
    var frame = document.createElement("div");
    var button = document.createElement("button");
    frame.className = "copying";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy: " + (block.getAttribute("aria-label") || ""));
    block.parentNode.insertBefore(frame, block);
    frame.appendChild(block);
    frame.appendChild(button);
    button.addEventListener("click", function () {
      copy(block.querySelector("code")).then(function (said) {
        button.textContent = said;
        status.textContent = said;
        window.setTimeout(function () { button.textContent = "Copy"; status.textContent = ""; }, 2000);
      });
    });
  }

  var status = document.createElement("div");
  status.className = "unseen";
  status.setAttribute("role", "status");
  document.body.appendChild(status);

  benchledger.addCopyButtons = function (root) { root.querySelectorAll("pre.command").forEach(add); };
  benchledger.addCopyButtons(document);
  (benchledger.renewals = benchledger.renewals || []).push(benchledger.addCopyButtons);
})();
