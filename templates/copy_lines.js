// Adds a button to what can be pasted; the page works without it.
for (const block of document.querySelectorAll("pre[data-copy]")) {
  if (!navigator.clipboard) break;
  const lines = block.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet no-print";
  button.textContent = block.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(lines);
    button.textContent = block.dataset.copied;
  });
  block.prepend(button);
}
