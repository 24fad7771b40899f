// Keeps only the rules that hold all the words; without this script the page is complete.
(() => {
  const box = document.getElementById("zoek");
  const found = document.getElementById("gevonden");
  const rules = [...document.querySelectorAll(".rule")];
  // The examples are left out: they name other places and activities than the rule is about.
  const texts = rules.map((rule) =>
    [...rule.children].filter((part) => part.tagName !== "DETAILS").map((part) => part.textContent).join(" ").toLowerCase());
  const themes = [...document.querySelectorAll(".theme")];
  const keep = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    rules.forEach((rule, i) => { rule.hidden = !words.every((word) => texts[i].includes(word)); });
    themes.forEach((theme) => {
      theme.hidden = !theme.querySelector(".rule:not([hidden])");
      theme.querySelector(".wide").hidden = words.length > 0;
    });
    const count = rules.filter((rule) => !rule.hidden).length;
    found.textContent = words.length ? found.dataset.words.replace("#", count) : "";
  };
  const show = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      box.value = "";
      keep();
      target.scrollIntoView();
    }
  };
  box.closest(".filter").hidden = false;
  box.addEventListener("input", keep);
  addEventListener("hashchange", show);
})();
