// @ts-check
/** A browser with an outbox and an edge behind a network that a test controls: one app, no clock, no chance. */

import { createClock } from "../../browser/clock.js";
import { createDelivery } from "../../browser/delivery.js";
import { createEdges } from "../../browser/edges.js";
import { createLine } from "../../browser/line.js";
import { NetworkFailure } from "../../browser/network.js";
import { createRows } from "../../browser/outbox-rows.js";
import { createVerdicts } from "../../browser/outbox-verdicts.js";
import { createOutbox } from "../../browser/outbox.js";
import { memoryStore } from "./fakes.js";

export const ORIGIN = "https://shop.test";
const ANN = { sub: "ann", sid: "s", guest: false };

/** @typedef {{path: string, sent: string, key: string, time: string, session: string, author: string, notes: string[], host: string}} Call */
/** @typedef {{status: number, body?: string, headers?: Record<string, string>, notes?: string[]}} Reply */

/**
 * The app: its state is a list of notes. `POST /notes` adds what is sent, `/refuse` says no, `/full` says no from
 * the third note on, `/edge` needs an edge.
 *
 * @param {Call} call
 * @returns {Reply | null}
 */
export function app({ path, sent, key, notes, host }) {
  if (path === "/edge") return host === "browser" ? null : { status: 200, body: "edge" };
  if (path === "/refuse" || (path === "/full" && notes.length > 2)) return { status: 409, body: "no" };
  return { status: 303, headers: { location: `/notes#${key}` }, notes: [...notes, sent] };
}

/** @param {import("../../browser/outbox-row.js").Row[]} [kept] */
export function memoryTable(kept = []) {
  /** @type {Map<number, import("../../browser/outbox-row.js").Row>} */
  const disk = new Map(kept.map((row) => [row.seq, structuredClone(row)]));
  const state = { seq: kept.length, broken: false, disk };
  /** @type {import("../../browser/outbox-table.js").Table} */
  const table = {
    all: async () => [...disk.values()].map((row) => structuredClone(row)),
    async add(row) {
      if (state.broken) throw new DOMException("no room", "QuotaExceededError");
      state.seq += 1;
      disk.set(state.seq, { ...structuredClone(row), seq: state.seq });
      return state.seq;
    },
    async replace(old, row) {
      const seq = await table.add(row);
      disk.delete(old);
      return seq;
    },
    async put(rows) {
      for (const row of rows) if (disk.has(row.seq)) disk.set(row.seq, structuredClone(row));
    },
    remove: async (seq) => void disk.delete(seq),
  };
  return { table, state };
}

/**
 * @param {object} [options]
 * @param {ReturnType<typeof memoryTable>} [options.disk]   of an earlier worker
 * @param {ReturnType<typeof edge>} [options.server]
 */
export function world({ disk = memoryTable(), server = edge() } = {}) {
  const clock = { now: 1_000_000 };
  /** @type {import("../../browser/outbox-rows.js").Told[]} */
  const heard = [];
  /** @type {unknown[]} */
  const noted = [];
  /** @type {string[]} */
  const confirmed = [];
  /** @type {{at: number, work: () => void}[]} */
  const timers = [];
  const local = { ready: true, lacks: false, runs: 0, author: "" };
  let minted = 0;
  let json = viewOf(server);

  const user = {
    session: async () => ({ ath: JSON.parse(json).sid, jkt: "" }),
    current: async () => json,
    known: async () => json,
    accept: async (/** @type {string | null} */ header) => void (header !== null && (json = header)),
    async refresh() {
      if (!server.reachable) return false;
      json = viewOf(server);
      return true;
    },
  };
  const host = {
    ready: () => local.ready,
    complete: async () => local.lacks && !(local.lacks = false),
    async answer(/** @type {Request} */ request, /** @type {string | undefined} */ view) {
      local.runs += 1;
      const { state, keys, effects = [] } = JSON.parse(view ?? "");
      const notes = effects.reduce((/** @type {any} */ found, /** @type {any} */ one) => one.state?.notes ?? found, state.notes);
      const call = await callOf(request, notes, "browser");
      local.author = call.author;
      const reply = local.ready && !local.lacks ? app(call) : null;
      if (reply === null) return null;
      const changes = reply.notes && !keys.includes(call.key) ? { notes: reply.notes } : null;
      const told = { state: changes, shp: 0, writes: [] };
      return new Response(reply.body ?? null, { status: reply.status, headers: { ...reply.headers, "edgekit-effects": btoa(JSON.stringify(told)) } });
    },
  };
  const rows = createRows({ table: disk.table, tell: (told) => void heard.push(told), note: (error) => void noted.push(error) });
  const shared = { rows, origin: ORIGIN, mintKey: async () => `client.${++minted}`, release: "r1", development: () => true, clock: createClock({ store: memoryStore(), wall: () => clock.now }), note: (/** @type {unknown} */ error) => void noted.push(error) };
  const outbox = createOutbox({ ...shared, user, host });
  const verdicts = createVerdicts({ ...shared, user, basisOf: outbox.basisOf, onApplied: (effects) => void confirmed.push(effects) });
  const edges = createEdges({ bases: [""], fetch: async () => new Response(), now: () => clock.now, random: () => 0, note: () => {} });
  /** @type {any} */
  const network = async (/** @type {Request} */ request) => ({ safe: false, size: 0, send: () => server.answer(request) });
  const line = createLine({
    next: outbox.next,
    deliver: createDelivery({ origin: ORIGIN, user, network, edges: async () => edges, settle: verdicts.settle }),
    lock: (_mode, work) => work(),
    now: () => clock.now,
    random: () => 0,
    wait: (work, ms) => void timers.push({ at: clock.now + ms, work }),
    onHalt: (why) => (rows.halt(why), rows.announce(json)),
  });

  /** @param {string} path @param {string} sent @param {Record<string, string>} [headers] */
  function post(path, sent, headers = {}) {
    const request = new Request(ORIGIN + path, { method: "POST", body: sent, headers: { "content-type": "text/plain", ...headers } });
    return outbox.ahead(outbox.draft(request), () => {});
  }

  /** The notes as a page of the local host shows them. */
  async function shown() {
    const { view } = await outbox.view();
    const { state, effects = [] } = JSON.parse(view ?? "");
    return effects.reduce((/** @type {any} */ found, /** @type {any} */ one) => one.state?.notes ?? found, state.notes);
  }

  /** Let time pass. @param {number} ms */
  async function pass(ms) {
    const until = clock.now + ms;
    for (;;) {
      timers.sort((a, b) => a.at - b.at);
      const next = timers[0];
      if (next === undefined || next.at > until) break;
      timers.shift();
      clock.now = next.at;
      next.work();
      await line.flush();
    }
    clock.now = until;
  }

  const signIn = (/** @type {object} */ who) => void (json = JSON.stringify({ ...JSON.parse(viewOf(server)), ...who }));
  return { outbox, verdicts, line, rows, server, disk, heard, noted, confirmed, clock, local, post, shown, pass, signIn };
}

/** An edge with the one session's state, as its cookies carry it. */
export function edge() {
  const server = {
    reachable: true,
    loses: false, // its answers
    ver: 1,
    /** @type {string[]} */
    notes: [],
    /** @type {string[]} */
    keys: [],
    /** @type {Call[]} */
    calls: [],
    /** @type {(call: Call) => Response | null}   null: as the app says */
    instead: () => null,
    /** @param {Request} request */
    async answer(request) {
      const call = await callOf(request, server.notes, "native");
      if (!server.reachable) throw new NetworkFailure("offline");
      server.calls.push(call);
      const other = server.instead(call);
      if (other !== null) return other;
      const reply = /** @type {Reply} */ (app(call));
      const headers = new Headers({ ...reply.headers, "edgekit-host": "native" });
      if (reply.notes && !server.keys.includes(call.key)) {
        Object.assign(server, { notes: reply.notes, ver: server.ver + 1, keys: [...server.keys, call.key] });
        headers.set("edgekit-view", viewOf(server));
      }
      if (server.loses) throw new NetworkFailure("the answer got lost");
      const location = headers.get("location");
      if (location === null) return new Response(reply.body ?? null, { status: reply.status, headers });
      headers.delete("location");
      headers.set("edgekit-location", location);
      headers.set("edgekit-status", String(reply.status));
      return new Response(null, { status: 200, headers });
    },
  };
  return server;
}

/** @param {Request} request @param {string[]} notes @param {string} host @returns {Promise<Call>} */
async function callOf(request, notes, host) {
  const { pathname: path } = new URL(request.url);
  const names = ["idempotency-key", "edgekit-time", "edgekit-session", "edgekit-author"];
  const [key = "", time = "", session = "", author = ""] = names.map((name) => request.headers.get(name) ?? "");
  return { path, sent: await request.text(), key, time, session, author, notes, host };
}

/** @param {{ver: number, notes: string[], keys: string[]}} server */
const viewOf = ({ ver, notes, keys }) => JSON.stringify({ ...ANN, ver, keys, state: { notes } });
