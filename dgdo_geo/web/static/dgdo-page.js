/* The page around the map: Dutch for the fixed texts of Streamlit, and the button that copies the link.
   The words come from the page itself (#dgdo-words), which the server takes from its text files. */
(() => {
  "use strict";
  const { widgets, shell, instance } = JSON.parse(document.getElementById("dgdo-words").textContent);
  const exact = new Map();
  const patterns = [];
  for (const [english, dutch] of Object.entries(widgets)) {
    if (!english.includes("*")) { exact.set(english, dutch); continue; }
    const parts = english.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
    patterns.push([new RegExp(`^${parts.join("(.+)")}$`), dutch]);
  }
  const ATTRIBUTES = ["aria-label", "title", "placeholder", "aria-valuetext", "alt"];
  // What we or a maker of a layer wrote is never touched.
  const OURS = ".dgdo, [data-testid=stMarkdownContainer], [data-testid=stHtml], script, style";

  // Inside these, what looks like ours is of the library.
  const THEIRS = "[role=dialog], [data-testid=stFileUploaderDropzone]";

  function dutch(words) {
    const bare = words.replace(/\s+/g, " ").trim();
    if (!bare) return null;
    if (exact.has(bare)) return exact.get(bare);
    for (const [pattern, template] of patterns) {
      const found = pattern.exec(bare);
      if (found) { let i = 0; return template.replace(/\*/g, () => found[++i] ?? ""); }
    }
    return null;
  }

  function mendText(node) {
    const parent = node.parentElement;
    if (!parent || (parent.closest(OURS) && !parent.closest(THEIRS))) return;
    // Among the options of a list, only these are of the library.
    if (parent.closest("[role=option]") && !/^(Select |No (results|options))/.test(node.data)) return;
    const better = dutch(node.data);
    if (better !== null && better !== node.data) node.data = better;
  }

  function mendElement(element) {
    if (element.closest(OURS) && !element.closest(THEIRS)) return;
    for (const name of ATTRIBUTES) {
      const value = element.getAttribute(name);
      const better = value && dutch(value);
      if (better && better !== value) element.setAttribute(name, better);
    }
  }

  function mend(node) {
    if (node.nodeType === Node.TEXT_NODE) { mendText(node); return; }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    mendElement(node);
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let next = walk.nextNode(); next; next = walk.nextNode()) {
      if (next.nodeType === Node.TEXT_NODE) mendText(next); else mendElement(next);
    }
  }

  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach(mend);
      else if (change.type === "characterData") mendText(change.target);
      else mendElement(change.target);
    }
  }).observe(document.documentElement, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
  });
  mend(document.body);

  // A server that restarted ------------------------------------------------------------------

  /* The new server does not know this page: the first choice would be lost. The address holds the view, so ask it again. */
  const Native = window.WebSocket;
  let opened = 0;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("open", async () => {
        if (opened++ === 0) return;
        const answer = await fetch("./gezond", { cache: "no-store" }).then((found) => found.json()).catch(() => ({}));
        if (answer.instance && answer.instance !== instance) location.reload();
      });
    }
  };

  // The link ------------------------------------------------------------------------------

  async function copied(link) {
    try { await navigator.clipboard.writeText(link); return true; } catch { return false; }
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button.dgdo-copy");
    if (!button) return;
    const link = location.href;
    const said = button.parentElement.querySelector("[role=status]");
    if (await copied(link)) { said.textContent = shell.copied; return; }
    // Without https a browser does not let a page copy: show the link, ready to copy by hand.
    said.textContent = shell.copy_yourself + " ";
    const field = document.createElement("input");
    Object.assign(field, { value: link, readOnly: true, className: "dgdo-link" });
    field.setAttribute("aria-label", shell.link);
    said.append(field);
    field.focus();
    field.select();
  });
})();
