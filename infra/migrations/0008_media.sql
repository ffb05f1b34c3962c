-- Where the file of a message stands, for lists and filters: taken from what the attachment says, so that both agree.
-- A producer's payload may hold anything there: what is too long is cut.
SET @missing = (SELECT COUNT(*) = 0 FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'messages' AND COLUMN_NAME = 'media_state');
SET @change = IF(@missing, 'ALTER TABLE messages
    ADD COLUMN media_state VARCHAR(10) AS (LEFT(JSON_UNQUOTE(JSON_EXTRACT(attachment, ''$.media.state'')), 10)) STORED,
    ADD COLUMN media_ref VARCHAR(71) AS (LEFT(JSON_UNQUOTE(JSON_EXTRACT(attachment, ''$.media.ref'')), 71)) STORED,
    ADD KEY by_media (media_state, at),
    ADD KEY by_media_ref (media_ref)', 'DO 0');
PREPARE change_messages FROM @change;
EXECUTE change_messages;
DEALLOCATE PREPARE change_messages;
