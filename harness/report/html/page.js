// Filters for the cases, links that open what they point at, arrow keys in the map, buttons to copy a command.
// Without this script, everything can be opened by hand.
(() => {
  "use strict";
  const form = document.getElementById("filters");
  const text = document.getElementById("filter-text");
  const suite = document.getElementById("filter-suite");
  const differs = document.getElementById("filter-differs");
  const count = document.getElementById("filter-count");
  const none = document.getElementById("none");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const cases = [...document.querySelectorAll("details.case")].map((element) => ({
    element,
    suite: element.closest(".suite").dataset.s,
    verdicts: element.dataset.v.trim().split(" "),
    differs: "d" in element.dataset,
    words: "",
  }));
  const folds = [...document.querySelectorAll(".suite, .rest, .family")];
  const around = (element) => {
    const found = [];
    for (let one = element.closest("details"); one; one = one.parentElement.closest("details")) found.push(one);
    return found;
  };

  // What is searched: id, title, and what was said about the case or one like it; neither bodies nor header fields.
  const wordsOf = (element) => {
    const like = element.querySelector("a.like");
    const family = element.closest(".family");
    return [...element.querySelectorAll("summary, .said, .told > p:not(.again), .broken")]
      .concat(family ? family.querySelector("summary") : [])
      .map((part) => part.textContent)
      .concat(like ? wordsOf(document.getElementById(like.hash.slice(1)).closest(".case")) : [])
      .join(" ")
      .toLowerCase();
  };

  const filter = () => {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of cases) {
      if (words.length && !one.words) one.words = wordsOf(one.element);
      const fits =
        (!suite.value || suite.value === one.suite) &&
        (!wanted.size || one.verdicts.some((verdict) => wanted.has(verdict))) &&
        (!differs || !differs.checked || one.differs) &&
        words.every((word) => one.words.includes(word));
      one.element.hidden = !fits;
      shown += fits;
    }
    const filtered = wanted.size || words.length || suite.value || (differs && differs.checked);
    for (const fold of folds) {
      fold.hidden = !fold.querySelector("details.case:not([hidden])");
      // What fits is in sight; afterwards, what was folded is so again.
      if (filtered && !fold.open) {
        fold.open = true;
        fold.dataset.opened = "";
      } else if (!filtered && "opened" in fold.dataset) {
        fold.open = false;
        delete fold.dataset.opened;
      }
    }
    none.hidden = shown > 0 || !cases.length;
    count.textContent = `${shown} of ${cases.length} cases shown`;
  };

  // The filters stand in the address, after "#?", so that a view can be sent to somebody.
  const remember = () => {
    const state = new URLSearchParams();
    for (const box of boxes) if (box.checked) state.append("verdict", box.value);
    if (suite.value) state.set("suite", suite.value);
    if (text.value) state.set("text", text.value);
    if (differs && differs.checked) state.set("differs", "1");
    const said = state.toString();
    history.replaceState(null, "", location.href.split("#")[0] + (said && `#?${said}`));
  };
  const set = (said) => {
    const state = new URLSearchParams(said);
    const wanted = new Set(state.getAll("verdict"));
    for (const box of boxes) box.checked = wanted.has(box.value);
    suite.value = state.get("suite") || "";
    if (suite.selectedIndex < 0) suite.value = "";
    text.value = state.get("text") || "";
    if (differs) differs.checked = state.has("differs");
    filter();
  };

  // A link opens what it leads to, whatever is folded or filtered out.
  const reveal = (id) => {
    const target = document.getElementById(id);
    const parts = target ? around(target) : [];
    if (!parts.length) return;
    if (parts.some((part) => part.hidden)) set("");
    for (const part of parts) part.open = true;
    const found = target.closest("details.case");
    (found || target).scrollIntoView();
    if (found) found.querySelector("summary").focus({ preventScroll: true });
  };
  const follow = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("?")) {
      set(hash.slice(1));
      document.getElementById("cases").scrollIntoView();
      return;
    }
    try {
      reveal(decodeURIComponent(hash));
    } catch {
      // Not an address of ours.
    }
  };

  form.addEventListener("input", () => {
    filter();
    remember();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  // Only once it is done are the fields empty.
  form.addEventListener("reset", () =>
    setTimeout(() => {
      filter();
      remember();
    }),
  );
  document.getElementById("filter-open").addEventListener("click", () => {
    for (const part of document.querySelectorAll("#cases details:not([hidden])")) part.open = true;
  });
  document.getElementById("filter-close").addEventListener("click", () => {
    for (const part of document.querySelectorAll("#cases details")) part.open = false;
  });
  for (const link of document.querySelectorAll("a[data-filter]")) link.href = `#?${link.dataset.filter}`;
  addEventListener("hashchange", follow);
  // The same link again changes no address.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) setTimeout(follow);
  });

  // The map is one stop of the Tab key; arrows go from square to square, and from suite to suite.
  const map = document.getElementById("map");
  if (map) {
    const squares = [...map.querySelectorAll("a[href]")];
    const firsts = [...map.querySelectorAll("ul")].map((row) => row.querySelector("a[href]")).filter(Boolean);
    squares.forEach((square, place) => (square.tabIndex = place ? -1 : 0));
    const go = (square) => {
      if (!square) return;
      for (const other of squares) other.tabIndex = other === square ? 0 : -1;
      square.focus();
    };
    map.addEventListener("keydown", (event) => {
      const place = squares.indexOf(event.target);
      const row = firsts.findLastIndex((first) => squares.indexOf(first) <= place);
      const steps = {
        ArrowRight: squares[place + 1],
        ArrowLeft: squares[place - 1],
        ArrowDown: firsts[row + 1],
        ArrowUp: firsts[row - (event.target === firsts[row])],
        Home: squares[0],
        End: squares[squares.length - 1],
      };
      if (place < 0 || !(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      go(steps[event.key]);
    });
  }

  // Where the clipboard is not given to a page, the command is selected.
  const copy = async (command, button) => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = "Selected";
    }
  };
  const offer = (name, text) => {
    const element = document.createElement(name);
    element.className = "offer";
    element.textContent = text;
    return element;
  };
  // What an opened case offers: its own address, and a button beside each command.
  const equip = (event) => {
    const opened = event.target;
    if (!opened.open || !opened.matches(".case") || "equipped" in opened.dataset) return;
    opened.dataset.equipped = "";
    for (const command of opened.querySelectorAll("pre.line")) {
      const button = offer("button", "Copy");
      button.type = "button";
      button.addEventListener("click", () => copy(command, button));
      command.previousElementSibling.append(button);
    }
    const inside = opened.querySelector(".inside[id]");
    if (inside) {
      const link = offer("a", "Link to this case");
      link.href = `#${inside.id}`;
      inside.append(link);
    }
  };
  document.addEventListener("toggle", equip, true);

  // For browsers that cannot print closed details by style alone.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details[data-print]:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    opened = [];
  });

  form.hidden = false;
  filter();
  follow();
})();
