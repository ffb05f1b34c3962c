// Tell Posto of an overdue invoice straight to Kafka (npm ci).
//
//     KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:19092 node kafka_producer.mjs INV-1001 5547999990001

import { ProduceAcks, Producer, stringSerializers } from "@platformatic/kafka";

const [invoice, phone] = process.argv.slice(2);
const event = {
  source_system: "examples",
  event_type: "billing.invoice.overdue",
  external_id: invoice,
  occurrence: "overdue_3d", // due again in some days: another occurrence of the same invoice
  tenant_id: 1,
  payload: { phone, name: "Ana Souza", amount: 129.9, due_date: "2026-01-10" },
};
const producer = new Producer({
  clientId: "examples",
  bootstrapBrokers: process.env.KAFKA_BOOTSTRAP_SERVERS.split(","),
  serializers: stringSerializers,
  acks: ProduceAcks.ALL, // until all replicas have it, nobody promises anything
  idempotent: true, // the client repeats a lost write by itself, without making two records of it
  retries: 3,
  retryDelay: 300, // milliseconds
});
try {
  // Any key will do, for Posto finds equal facts by what they say; records of one key are taken in their order.
  const { offsets } = await producer.send({
    messages: [{ topic: "raw.event", key: invoice, value: JSON.stringify(event) }],
  });
  // What is wrong with an event has nobody to answer to here: it becomes a dead letter. `posto send` tries one first.
  const [{ topic, partition, offset }] = offsets;
  console.log(JSON.stringify({ topic, partition, offset: Number(offset) }));
} catch (error) {
  console.error(`Kafka did not take the event: ${error.message}. Keep it and send it later, unchanged.`);
  process.exitCode = 1;
} finally {
  await producer.close();
}
