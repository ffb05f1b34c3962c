-- Messages that somebody writes into a conversation: who wrote them, and in answer to which event.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'outbound_messages' AND COLUMN_NAME = 'author_kind');
SET @change = IF(@missing, 'ALTER TABLE outbound_messages
    ADD COLUMN author_kind VARCHAR(10) NULL,
    ADD COLUMN author VARCHAR(191) NULL,
    ADD COLUMN in_reply_to VARCHAR(36) NULL', 'DO 0');
PREPARE change_outbound FROM @change;
EXECUTE change_outbound;
DEALLOCATE PREPARE change_outbound;

-- An empty table stays empty (`posto migrate --seed` fills it); where a person has a rule for chat, it stays alone. A rule
-- for everything (`*`) is none for chat: nobody could have meant these events by it.
INSERT INTO routing_rules (id, event_type, action)
SELECT 'chat.outbound.message', 'chat.outbound.message', 'whatsapp' FROM (SELECT 1 AS one) AS once
WHERE EXISTS (SELECT 1 FROM routing_rules) AND NOT EXISTS (
    SELECT 1 FROM routing_rules WHERE id = 'chat.outbound.message'
    OR event_type IN ('chat.outbound.message', 'chat.outbound.*', 'chat.*')
);
