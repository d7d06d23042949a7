"use strict";
(() => {
  const said = document.getElementById("said");
  const select = (code) => {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      select(code);
      return document.execCommand("copy");
    }
  };
  for (const button of document.querySelectorAll(".copy > button")) {
    const label = button.firstChild;
    let reset = 0;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(button.previousElementSibling);
      clearTimeout(reset);
      label.data = done ? "Copied" : "Select";
      said.textContent = "";
      said.textContent = done ? "Copied to the clipboard" : "Not copied: the text is selected";
      reset = setTimeout(() => {
        label.data = "Copy";
        said.textContent = "";
      }, 3000);
    });
  }
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });
})();
