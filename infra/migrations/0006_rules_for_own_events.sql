-- Rules for what the gateway reports and nobody acts on: installations from before have none for these.
-- An empty table stays empty (`posto migrate --seed` fills it); where a person's rule covers an event, it stays alone.

INSERT INTO routing_rules (id, event_type, action)
SELECT 'whatsapp.outbound.message', 'whatsapp.outbound.message', 'none' FROM (SELECT 1 AS one) AS once
WHERE EXISTS (SELECT 1 FROM routing_rules) AND NOT EXISTS (
    SELECT 1 FROM routing_rules WHERE id = 'whatsapp.outbound.message'
    OR event_type IN ('whatsapp.outbound.message', 'whatsapp.outbound.*', 'whatsapp.*', '*')
);

INSERT INTO routing_rules (id, event_type, action)
SELECT 'whatsapp.message', 'whatsapp.message.*', 'none' FROM (SELECT 1 AS one) AS once
WHERE EXISTS (SELECT 1 FROM routing_rules) AND NOT EXISTS (
    SELECT 1 FROM routing_rules WHERE id = 'whatsapp.message' OR event_type IN ('whatsapp.message.*', 'whatsapp.*', '*')
);

INSERT INTO routing_rules (id, event_type, action)
SELECT 'whatsapp.unknown', 'whatsapp.unknown.*', 'none' FROM (SELECT 1 AS one) AS once
WHERE EXISTS (SELECT 1 FROM routing_rules) AND NOT EXISTS (
    SELECT 1 FROM routing_rules WHERE id = 'whatsapp.unknown' OR event_type IN ('whatsapp.unknown.*', 'whatsapp.*', '*')
);
