// @ts-check
/** In development: shows over the page that the last change does not work, and why. Counterpart: edge/serve/failures.py. */

const PATH = "/_edge/failure";

/** @type {HTMLElement | undefined} */
let shown;

async function look() {
  if (!navigator.onLine) return;
  const text = await fetch(PATH, { cache: "no-store" }).then(
    (response) => (response.status === 200 ? response.text() : ""),
    () => "", // no edge, or none that watches sources
  );
  shown?.remove();
  shown = text === "" ? undefined : overlay(text);
  if (shown) document.body.append(shown);
}

/** @param {string} text */
function overlay(text) {
  const box = document.createElement("section");
  box.setAttribute("role", "alert");
  Object.assign(box.style, {
    position: "fixed", inset: "auto 0 0 0", zIndex: "2147483647", maxHeight: "60vh", overflow: "auto",
    padding: "1rem", background: "Canvas", color: "CanvasText", borderTop: "4px solid #c0392b", font: "14px/1.5 system-ui, sans-serif",
  });
  const [heading, reason, close] = [document.createElement("strong"), document.createElement("pre"), document.createElement("button")];
  heading.textContent = "The last change does not work; this page is from before it. ";
  Object.assign(reason.style, { whiteSpace: "pre-wrap", overflowWrap: "anywhere", margin: "0.5rem 0 0" });
  reason.textContent = text;
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => box.remove());
  box.append(heading, close, reason);
  return box;
}

void look();
// Whoever has just saved a file comes back to the page.
addEventListener("focus", () => void look());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void look());
