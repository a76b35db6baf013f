// Filters for the cases. Without this script, every case is shown.
(() => {
  "use strict";
  const form = document.getElementById("filters");
  const text = document.getElementById("filter-text");
  const suite = document.getElementById("filter-suite");
  const differs = document.getElementById("filter-differs");
  const count = document.getElementById("filter-count");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const cases = [...document.querySelectorAll("details.case")].map((element) => ({
    element,
    suite: element.dataset.s,
    verdicts: element.dataset.v.trim().split(" "),
    differs: "d" in element.dataset,
    words: "",
  }));
  const suites = [...document.querySelectorAll("section.suite")];

  const filter = () => {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of cases) {
      if (words.length && !one.words) one.words = one.element.textContent.toLowerCase();
      const fits =
        (!suite.value || suite.value === one.suite) &&
        (!wanted.size || one.verdicts.some((verdict) => wanted.has(verdict))) &&
        (!differs || !differs.checked || one.differs) &&
        words.every((word) => one.words.includes(word));
      one.element.hidden = !fits;
      shown += fits;
    }
    for (const section of suites) section.hidden = !section.querySelector("details.case:not([hidden])");
    count.textContent = `${shown} of ${cases.length} cases shown`;
  };

  // A link to a case shows it, whatever is filtered out.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const around = target && target.closest("details.case");
    if (!around) return;
    if (around.hidden) {
      form.reset();
      filter();
    }
    around.open = true;
    target.scrollIntoView();
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.getElementById("filter-open").addEventListener("click", () => {
    for (const one of cases) if (!one.element.hidden) one.element.open = true;
  });
  document.getElementById("filter-close").addEventListener("click", () => {
    for (const one of cases) one.element.open = false;
  });
  addEventListener("hashchange", reveal);
  form.hidden = false;
  filter();
  reveal();
})();
