// Search and filters for the controls. Without it the page is complete, and nothing here is needed.
"use strict";
const panel = document.querySelector(".filter");
const text = document.getElementById("filter-text");
const boxes = [...panel.querySelectorAll("input[type=checkbox]")];
const count = document.getElementById("filter-count");
const families = [...document.querySelectorAll(".family")];
const controls = families.flatMap((family) =>
  [...family.querySelectorAll(":scope > .control")].map((element) => ({
    element,
    family,
    kinds: [element.classList[1], element.querySelector(".severity").classList[1]],
    text: null, // what is searched in, read when it is needed first
  })));

function isShown(control, unwanted, words) {
  if (control.kinds.some((kind) => unwanted.has(kind))) return false;
  if (!words.length) return true;
  control.text ??= `${control.family.firstElementChild.textContent} ${control.element.textContent}`.toLowerCase();
  return words.every((word) => control.text.includes(word));
}

function filter() {
  const unwanted = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = new Map(families.map((family) => [family, 0]));
  let total = 0;
  for (const control of controls) {
    const visible = isShown(control, unwanted, words);
    control.element.classList.toggle("filtered", !visible);
    if (visible) {
      total += 1;
      shown.set(control.family, shown.get(control.family) + 1);
    }
  }
  for (const [family, number] of shown) family.classList.toggle("filtered", !number);
  count.textContent = `${total} of ${controls.length} controls are shown.`;
}

let waiting;
text.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(filter, 150);
});
for (const box of boxes) box.addEventListener("change", filter);
document.getElementById("open-all").addEventListener("click", () => {
  for (const { element } of controls)
    if (!element.classList.contains("filtered")) element.open = true;
});
document.getElementById("close-all").addEventListener("click", () => {
  for (const { element } of controls) element.open = false;
});

// A link into a control that is closed or filtered out shows it.
function arrive() {
  const control = document.getElementById(location.hash.slice(1))?.closest(".control");
  if (!control) return;
  if (control.classList.contains("filtered")) {
    text.value = "";
    for (const box of boxes) box.checked = true;
    filter();
  }
  control.open = true;
  control.scrollIntoView();
}
addEventListener("hashchange", arrive);
panel.hidden = false;
arrive();
