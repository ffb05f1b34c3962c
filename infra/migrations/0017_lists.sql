-- The long lists of the Admin API: a filter that answers alone has an index, which ends with the order of the list.

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'communication_events' AND INDEX_NAME = 'by_channel');
SET @change = IF(@missing, 'ALTER TABLE communication_events
    ADD KEY by_channel (channel_id, received_at),
    ADD KEY by_type (event_type, received_at)', 'DO 0');
PREPARE change_communication_events FROM @change;
EXECUTE change_communication_events;
DEALLOCATE PREPARE change_communication_events;

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'outbound_messages' AND INDEX_NAME = 'by_time');
SET @change = IF(@missing, 'ALTER TABLE outbound_messages
    ADD KEY by_time (created_at),
    ADD KEY by_status_and_time (status, created_at)', 'DO 0');
PREPARE change_outbound_messages FROM @change;
EXECUTE change_outbound_messages;
DEALLOCATE PREPARE change_outbound_messages;

-- Rows of these lie in the order of their places in Kafka: an id tells those of one time apart.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'dead_letters' AND INDEX_NAME = 'by_failure');
SET @change = IF(@missing, 'ALTER TABLE dead_letters
    ADD COLUMN id BIGINT UNSIGNED NOT NULL INVISIBLE AUTO_INCREMENT,
    ADD UNIQUE KEY unique_id (id),
    ADD KEY by_state_and_failure (state, failed_at, id),
    ADD KEY by_failure (failed_at, id)', 'DO 0');
PREPARE change_dead_letters FROM @change;
EXECUTE change_dead_letters;
DEALLOCATE PREPARE change_dead_letters;

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'audit_log' AND INDEX_NAME = 'by_actor');
SET @change = IF(@missing, 'ALTER TABLE audit_log
    ADD COLUMN id BIGINT UNSIGNED NOT NULL INVISIBLE AUTO_INCREMENT,
    ADD UNIQUE KEY unique_id (id),
    DROP KEY by_subject,
    DROP KEY by_time,
    ADD KEY by_subject (subject, at, id),
    ADD KEY by_actor (actor, at, id),
    ADD KEY by_action (action, at, id),
    ADD KEY by_time (at, id)', 'DO 0');
PREPARE change_audit_log FROM @change;
EXECUTE change_audit_log;
DEALLOCATE PREPARE change_audit_log;
