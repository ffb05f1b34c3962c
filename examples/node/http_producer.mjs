// Tell Posto of an overdue invoice over HTTP, with nothing but Node.
//
//     EDGE=http://127.0.0.1:8080 EVENT_INGESTION_SECRET=... node http_producer.mjs INV-1001 5547999990001

import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPTS = 8;
const FIRST_WAIT = 0.2; // seconds
const LONGEST_WAIT = 30;
const TIMEOUT = 30;
const SEND_AGAIN = [408, 429, 500, 502, 503, 504];

/** Posto will never take this event as it is: mend it, do not send it again. */
class RefusedError extends Error {}

/**
 * Posto's answer, once the event is kept.
 *
 * Each attempt sends the same bytes, so an event that did arrive before its answer was lost counts once.
 */
async function tell(edge, secret, event) {
  const body = JSON.stringify(event);
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  let wait = FIRST_WAIT;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    let problem;
    let asked = 0;
    try {
      const signal = AbortSignal.timeout(TIMEOUT * 1000);
      const answer = await fetch(`${edge}/api/events`, { method: "POST", headers, body, signal });
      if (answer.status === 202) return await answer.json();
      if (!SEND_AGAIN.includes(answer.status)) throw new RefusedError(await explained(answer));
      problem = `HTTP ${answer.status}`;
      asked = Number(answer.headers.get("retry-after") ?? 0);
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      problem = error.cause?.message ?? error.message; // nobody listens, no answer in time, half an answer
    }
    if (attempt < ATTEMPTS) {
      const pause = Math.max(asked, wait * (0.5 + Math.random()));
      console.error(`attempt ${attempt}: ${problem}; again in ${pause.toFixed(1)} s`);
      await sleep(pause * 1000);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }
  throw new Error(`Posto did not take the event in ${ATTEMPTS} attempts: keep it and send it later, unchanged.`);
}

/** What is wrong, from the problem document (RFC 9457) of the answer: every field that is, with the reason. */
async function explained(answer) {
  const problem = await answer.json().catch(() => ({}));
  if (!problem.title) return `${answer.status}, and no problem document: is this an edge of Posto?`;
  const wrong = problem.errors?.map(({ field, message }) => `  ${field}: ${message}`) ?? [`  ${problem.detail}`];
  return [`${answer.status} ${problem.title}`, ...wrong].join("\n");
}

const [invoice, phone] = process.argv.slice(2);
const event = {
  source_system: "examples",
  event_type: "billing.invoice.overdue",
  external_id: invoice,
  occurrence: "overdue_3d", // due again in some days: another occurrence of the same invoice
  tenant_id: 1,
  payload: { phone, name: "Ana Souza", amount: 129.9, due_date: "2026-01-10" },
};
try {
  console.log(JSON.stringify(await tell(process.env.EDGE, process.env.EVENT_INGESTION_SECRET, event)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
