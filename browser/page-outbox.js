// @ts-check
/**
 * What pages know of the writes that their browser has answered and not sent yet. Imports nothing, because it is
 * served as /_edge/page-outbox.js.
 *
 * @typedef {import("./protocol.js").OutboxState} OutboxState
 */

const CHANNEL = "edgekit";
const OWN_PAGE = "/_edge/outbox";

/**
 * The number of waiting writes stands in `data-edgekit-pending` of the root element, for style sheets. A form with
 * `data-edgekit="sign-out"` asks first as long as some wait: by the event "signout", which can be cancelled (then
 * call `detail.proceed()` when the user agrees), else by `confirm()`.
 *
 * @param {EventTarget & {outbox: OutboxState}} edgekit   gets the event "outbox"
 * @param {(message: object, transfer?: Transferable[]) => boolean} tell   the service worker; false if there is none
 */
export function watchOutbox(edgekit, tell) {
  /** @type {WeakSet<HTMLFormElement>} */
  const agreed = new WeakSet();
  let [heard, kept, wrong] = [false, false, false];

  /** @param {OutboxState} state */
  function show(state) {
    const isChanged = state.waiting !== edgekit.outbox.waiting || state.rejected !== edgekit.outbox.rejected;
    edgekit.outbox = state;
    const { dataset } = document.documentElement;
    if (state.waiting > 0) dataset.edgekitPending = String(state.waiting);
    else delete dataset.edgekitPending;
    edgekit.dispatchEvent(new CustomEvent("outbox", { detail: state }));
    document.dispatchEvent(new CustomEvent("edgekit-outbox", { detail: state }));
    if (state.waiting > 0 && !kept) {
      kept = true;
      void navigator.storage?.persist?.(); // now there is something to lose
    }
    if (heard && isChanged && location.pathname === OWN_PAGE && isIdle()) location.reload();
    heard = true;
    // What was foretold has come out otherwise, and this page may show it.
    if (state.verdicts?.some(({ verdict, asForetold }) => verdict === "rejected" || !asForetold)) wrong = showsUnconfirmed();
    correct();
  }

  /** Load anew what shows something that is not so; but nobody loses what they have typed. */
  function correct() {
    if (!wrong || isTyping()) return;
    wrong = false;
    location.reload();
  }

  /** @param {SubmitEvent} event */
  function ask(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { waiting } = edgekit.outbox;
    if (event.defaultPrevented || waiting === 0 || form.dataset?.edgekit !== "sign-out" || agreed.delete(form)) return;
    event.preventDefault();
    const { submitter } = event;
    const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "";
    const { href: url } = new URL(action, document.baseURI);
    const proceed = () => {
      agreed.add(form);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => form.requestSubmit(submitter);
      if (!tell({ type: "excuse", url }, [port2])) form.requestSubmit(submitter);
    };
    const question = new CustomEvent("signout", { detail: { waiting, proceed }, cancelable: true });
    if (edgekit.dispatchEvent(question) && confirm(questionAbout(waiting))) proceed();
  }

  new BroadcastChannel(CHANNEL).onmessage = ({ data }) => void (data?.type === "outbox" && show(data));
  document.addEventListener("submit", ask);
  document.addEventListener("focusout", () => setTimeout(correct));
}

/** Whether this page was read from the local host while writes were waiting; the worker says so in its timing. */
function showsUnconfirmed() {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return entry?.serverTiming?.some(({ name }) => name === "edgekit-pending") ?? false;
}

/** Whether something would get lost if this page were loaded anew. */
function isTyping() {
  const open = document.querySelector("dialog[open], details[open], [contenteditable]:focus") !== null;
  return open || Array.from(document.forms).some((form) => Array.from(form.elements).some(isChanged));
}

/** @param {Element} field */
function isChanged(field) {
  if (field instanceof HTMLInputElement && ["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) return field.type !== "hidden" && field.value !== field.defaultValue;
  return field instanceof HTMLSelectElement && Array.from(field.options).some((option) => option.selected !== option.defaultSelected && field.selectedIndex > 0);
}

/** @param {number} waiting */
function questionAbout(waiting) {
  const what = waiting === 1 ? "One change has" : `${waiting} changes have`;
  return `${what} not been sent yet. If you sign out now, what is waiting stays on this device until you sign in here again. Sign out?`;
}

/** Whether nobody is in the middle of something on this page. */
function isIdle() {
  return document.activeElement === document.body && document.querySelector("details[open]") === null;
}
