// @ts-check
/** The parts of writing, put together: the outbox, the line before the edges, and who answers. */

import { createDelivery } from "./delivery.js";
import { createLine, webLock } from "./line.js";
import { createOutbox } from "./outbox.js";
import { createRows } from "./outbox-rows.js";
import { createVerdicts } from "./outbox-verdicts.js";
import { CHANNEL, MESSAGE, OUTBOX_LOCK } from "./protocol.js";
import { createWrite } from "./write.js";

/**
 * @param {object} parts
 * @param {string} parts.id   of the release
 * @param {string} parts.origin   the site's own
 * @param {import("./outbox-table.js").Table} parts.table
 * @param {ReturnType<typeof import("./user.js").createUser>} parts.user
 * @param {import("./local-host.js").LocalHost} parts.host
 * @param {() => Promise<string>} parts.mintKey
 * @param {ReturnType<typeof import("./network.js").createNetwork>} parts.network
 * @param {() => Promise<import("./answer.js").Edges>} parts.edges
 * @param {() => boolean} parts.development
 * @param {() => number} parts.now   ms, for how long something takes
 * @param {ReturnType<typeof import("./clock.js").createClock>} parts.clock   for when something was
 * @param {(error: unknown) => void} parts.note
 * @param {(effects: string) => void} parts.onApplied
 * @param {() => Promise<Response | undefined>} parts.own   the app's page for what was not sent
 * @param {() => void} parts.onHalt   the edges cannot be reached; somebody may wake us up once they can
 */
export function createWriting({ id, table, user, host, network, edges, onHalt, ...parts }) {
  const { origin, note } = parts;
  const channel = new BroadcastChannel(CHANNEL);
  /** @param {import("./protocol.js").OutboxState} told */
  const tell = (told) => channel.postMessage({ type: MESSAGE.outbox, ...told });
  const rows = createRows({ table, tell, note });
  // Of another worker: what it has done is on disk.
  channel.onmessage = ({ data }) => void (data?.type === MESSAGE.outbox && rows.reload().catch(note));

  const outbox = createOutbox({ ...parts, rows, user, host, release: id });
  const verdicts = createVerdicts({ ...parts, rows, user, basisOf: outbox.basisOf, release: id });
  const announce = async () => (await rows.loaded, rows.announce(await user.known()));
  const line = createLine({
    next: outbox.next,
    deliver: createDelivery({ origin, user, network, edges, settle: verdicts.settle }),
    lock: webLock(navigator.locks, OUTBOX_LOCK),
    now: parts.now,
    random: Math.random,
    wait: (work, ms) => void setTimeout(work, ms),
    onHalt(why) {
      rows.halt(why);
      void announce();
      if (why !== "") onHalt();
    },
  });
  const writes = createWrite({ outbox, line, host, origin, online: () => navigator.onLine, own: parts.own, now: parts.now });

  return {
    outbox,
    verdicts,
    line,
    writes,
    announce,

    /** What another worker has left on disk. */
    reload: rows.reload,

    list: async () => (await rows.loaded, rows.list(await user.known())),
  };
}
