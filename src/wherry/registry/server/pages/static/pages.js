// Adds a button for copying to what is worth copying. Every page is whole without it.
"use strict";

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copyText(element) {
  // Browsers have a clipboard only where they trust the connection.
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(element.textContent);
    return;
  }
  selectText(element);
  if (!document.execCommand("copy")) {
    throw new Error("nothing was copied");
  }
}

function addButton(element) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy " + element.textContent);
  button.addEventListener("click", async () => {
    try {
      await copyText(element);
      button.textContent = "Copied";
    } catch {
      selectText(element);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  element.after(button);
}

document.querySelectorAll("[data-copy]").forEach(addButton);
