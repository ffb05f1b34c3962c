-- Rows lie in the order in which they were written, no longer in that of their ids, which is none: a batch wrote to pages
-- all over the table, more than fit into memory from a few hundred thousand events on. The ids stay unique.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'communication_events' AND COLUMN_NAME = 'id');
SET @change = IF(@missing, 'ALTER TABLE communication_events
    DROP PRIMARY KEY,
    ADD COLUMN id BIGINT UNSIGNED NOT NULL INVISIBLE AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (id),
    ADD UNIQUE KEY unique_event (event_id)', 'DO 0');
PREPARE change_events FROM @change;
EXECUTE change_events;
DEALLOCATE PREPARE change_events;

SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'outbound_messages' AND COLUMN_NAME = 'id');
SET @change = IF(@missing, 'ALTER TABLE outbound_messages
    DROP PRIMARY KEY,
    ADD COLUMN id BIGINT UNSIGNED NOT NULL INVISIBLE AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (id),
    ADD UNIQUE KEY unique_command (command_id)', 'DO 0');
PREPARE change_outbound FROM @change;
EXECUTE change_outbound;
DEALLOCATE PREPARE change_outbound;

-- The tables have become two projections, each with positions of its own.
INSERT IGNORE INTO projection_offsets (projection, topic, `partition`, next_offset)
SELECT 'history', topic, `partition`, next_offset FROM projection_offsets WHERE projection = 'tables';
INSERT IGNORE INTO projection_offsets (projection, topic, `partition`, next_offset)
SELECT 'present', topic, `partition`, next_offset FROM projection_offsets WHERE projection = 'tables';
DELETE FROM projection_offsets WHERE projection = 'tables';
