-- What people said of conversations: who takes care of them, whether they are closed, and how far they were read. Each
-- kind keeps its latest word, with the change that said it, so that the words may come in any order.
-- A conversation is closed until a message comes in that had not come in when it was closed (closed_until).
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'conversations' AND COLUMN_NAME = 'state');
SET @change = IF(@missing, 'ALTER TABLE conversations
    ADD COLUMN last_received_at DATETIME(6) NULL,
    ADD COLUMN assigned_at DATETIME(6) NULL,
    ADD COLUMN assigned_by VARCHAR(191) NULL,
    ADD COLUMN assigned_change VARCHAR(36) NULL,
    ADD COLUMN state VARCHAR(10) NULL,
    ADD COLUMN state_at DATETIME(6) NULL,
    ADD COLUMN state_by VARCHAR(191) NULL,
    ADD COLUMN state_change VARCHAR(36) NULL,
    ADD COLUMN state_reason VARCHAR(500) NULL,
    ADD COLUMN closed_until DATETIME(6) NULL,
    ADD COLUMN read_at DATETIME(6) NULL,
    ADD COLUMN read_by VARCHAR(191) NULL,
    ADD COLUMN read_change VARCHAR(36) NULL,
    DROP KEY by_contact,
    ADD KEY by_contact (contact, last_message_at),
    ADD KEY by_assignee (assigned_to, last_message_at),
    ADD KEY by_time (last_message_at)', 'DO 0');
PREPARE change_conversations FROM @change;
EXECUTE change_conversations;
DEALLOCATE PREPARE change_conversations;

-- When the hub first had a message: what came in after somebody looked is new to them, whatever its own time says.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'messages' AND COLUMN_NAME = 'event_received_at');
SET @change = IF(@missing, 'ALTER TABLE messages
    ADD COLUMN event_received_at DATETIME(6) NULL,
    DROP KEY by_direction,
    ADD KEY by_direction (conversation_id, direction, at, event_received_at)', 'DO 0');
PREPARE change_messages FROM @change;
EXECUTE change_messages;
DEALLOCATE PREPARE change_messages;
UPDATE messages AS message JOIN communication_events AS event ON event.event_id = message.event_id
SET message.event_received_at = event.received_at WHERE message.event_received_at IS NULL;
