"""What the golden suite must cover: each row and trap of the field notes on webhooks and identity, by a short id."""

from typing import Final

ROWS: Final[dict[str, dict[str, str]]] = {
    "Envelopes": {
        "envelope.wrapper": "the wrapper envelope, the usual one",
        "envelope.flat": "the flat envelope, the published contract",
        "envelope.engine": "the engine's own envelope, without a wrapper",
        "envelope.whapi": "Whapi: an array of messages or statuses in one post",
        "envelope.meta": "Meta: entries, changes, messages or statuses",
        "envelope.meta-template": "Meta: `hsm` and `template` are echoes of our own templates",
        "envelope.no-id-no-time": "the flat envelope may have neither id nor timestamp",
        "envelope.new-ids": "`event_id` and `correlation_id` are new at every emission and in no key",
    },
    "Where the channel may be found": {
        f"channel.{place}": f"`{place}`"
        for place in (
            "sessionId", "session.id", "session.session", "session", "data.session.id", "metadata.channel_id",
            "channelId", "channel_id", "channel", "data.channel",
        )
    } | {
        "channel.wrong-type": "what cannot name a channel is passed over",
        "channel.none": "no channel anywhere: nothing is guessed",
    },
    "Where the sender may be found": {
        f"from.{place}": f"`{place}`"
        for place in (
            "from", "message.from", "data.from", "raw.payload.from", "message.key.remoteJid", "data.key.remoteJid",
            "raw.payload.key.remoteJid",
        )
    } | {"no-recursive-search": "never anything that merely looks like a phone"},
    "Where it may be told that the message is our own": {
        f"fromMe.{place}": f"`{place}`"
        for place in ("fromMe", "message.fromMe", "message.key.fromMe", "raw.payload.fromMe", "raw.payload.key.fromMe")
    } | {
        "fromMe.data": "`data.fromMe`, `data.key.fromMe`",
        "fromMe.prefix": "the prefix `true_` of the id",
        "fromMe.wrong-type": "texts that are flags, and what is none",
    },
    "Where the message's id may be found": {
        f"id.{place}": f"`{place}`"
        for place in (
            "message.id", "message.key.id", "messageId", "message_id", "raw.payload.id", "raw.payload.key.id", "id",
        )
    } | {
        "id.object": "an object `{fromMe, remote, id, _serialized}`",
        "id.case": "the HEX in small letters",
        "id.chat-part": "the chat part may be a phone in one emission and a lid in the next",
        "id.participant": "the last part names who spoke in a group",
        "id.wrong-type": "what is no id is passed over",
    },
    "Where the time may be found": {
        "time.message.timestamp": "`message.timestamp`",
        "time.timestamp": "`timestamp`",
        "time.raw.payload.t": "`raw.payload.t`",
        "time.t": "`t`",
        "time.seconds": "seconds",
        "time.milliseconds": "milliseconds",
        "time.iso": "ISO-8601",
        "time.wrong-type": "what is no time is passed over",
    },
    "Where the text may be found": {
        f"text.{place}": f"`{place}`"
        for place in (
            "text", "body", "message.text", "message.body", "message.conversation", "caption", "message.caption",
            "raw.payload.caption", "raw.payload.body",
        )
    } | {"text.data": "`data.text`, `data.body`", "text.wrong-type": "what is no text is passed over"},
    "Types and their traps": {
        "type.ciphertext": "an empty shell claims nothing: the text comes under the same id",
        "type.late-shell": "a shell after the text erases nothing",
        "type.ptt-bytes": "a voice note's bytes in `text`",
        "type.ptt-reference": "a voice note by `mediaId`, `directPath` or `mediaKey` alone",
        "type.image-thumbnail": "an image's `text` is its thumbnail, never the message",
        "type.caption": "the caption is separate",
        "type.location": "`lat`, `lng`, `loc`, and a map as thumbnail",
        "type.document": "`filename`, `mimetype`, `size`, `caption`",
        "type.video": "a video",
        "type.sticker": "a sticker",
        "type.vcard": "a contact card",
        "type.quoted": "the message that is answered",
        "type.notices": "notification_template, e2e_notification, protocol, revoked are no messages",
        "type.broadcast": "`status@broadcast` and `...@broadcast` are none either",
        "type.group": "a group is a conversation, its speaker an attribute of the message",
        "nested.conversation": "`message.message.conversation`",
        "nested.extended": "`extendedTextMessage.text`",
        "nested.image": "`imageMessage`",
        "nested.audio": "`audioMessage`",
        "nested.document": "`documentMessage`",
        "nested.others": "the other types of the nested form",
        "nested.envelopes": "messages inside of envelopes",
        "bytes.by-type": "bytes are the file or its thumbnail by the message's type and their beginning",
        "bytes.spelling": "data URLs, the url-safe alphabet, line breaks, no padding",
        "bytes.broken": "bytes that do not decode or are not whole: the file is pending",
        "bytes.no-id": "a file that nobody can be asked for has failed",
        "bytes.vcard": "the picture inside of a contact card stays out",
        "bytes.quoted": "the bytes of a quoted message stay out",
        "bytes.unknown": "bytes in what nobody knows stay out",
        "bytes.not-every-long-word": "a long word of a person is no base64",
    },
    "Acks": {
        "ack.words": "words: sent, delivered, read, played, failed",
        "ack.ints": "numbers from -1 to 4",
        "ack.id-text": "the id as a text",
        "ack.id-object": "the id as an object",
        "ack.status": "under `status`",
        "ack.ack": "under `ack`",
        "ack.raw.payload.ack": "under `raw.payload.ack`",
        "ack.wrong-type": "what is no ack stays unknown",
    },
    "States of the channel": {
        "state.presence": "a contact's presence, which says nothing about the channel",
        "state.connected": "connected, open, inChat, isLogged, qrReadSuccess",
        "state.disconnected": "disconnected, close, desconnectedMobile, browserClose, autocloseCalled, qrReadError",
        "state.qr_required": "qrcode, notLogged",
        "state.words": "whole words: `disconnected` contains `connected`",
        "state.times": "times in ISO or milliseconds",
    },
    "Other events": {
        "event.own": "an own message, by its echo or by `message.sent`",
        "event.reaction": "a reaction",
        "event.revoked": "a deletion",
        "event.call": "a call",
        "event.unknown": "what nobody knows keeps its name",
        "noise.label": "labels are noise",
        "noise.status-find": "status-find without a state of the channel is noise",
    },
    "Contacts": {
        "contact.13": "`55DD9XXXXXXXX@c.us`, 13 digits",
        "contact.12": "`55DDXXXXXXXX@c.us`, 12 digits",
        "contact.s.whatsapp.net": "`...@s.whatsapp.net`",
        "contact.bare": "bare digits",
        "contact.lid": "`...@lid` holds no phone",
        "contact.bare-lid": "bare 14 digits or more that do not start with 55 are a lid",
        "contact.foreign": "foreign numbers stay untouched",
        "contact.newsletter": "a newsletter",
        "contact.not-an-id": "what is no id is nobody",
        "link.evidence": "one body tells the lid and the phone of one party",
        "link.same-party": "a lid and a phone of two parties are no evidence",
        "link.ambiguous": "two phones for one lid are no evidence",
        "link.never-by-name": "never by a name",
        "link.never-by-digits": "never by equal digits",
        "spelling.channel": "spellings of one channel; the exact one is kept for calls",
        "spelling.homoglyph": "a homoglyph is another channel",
    },
    "Bad input": {
        "bad.not-json": "no JSON, or not in UTF-8",
        "bad.not-object": "JSON that is no object",
        "bad.no-event": "no name of an event",
        "bad.wrong-types": "wrong types",
        "bad.id-without-hex": "an id without a HEX part",
        "bad.year": "times in the year 1970 or 3000",
        "bad.nesting": "nesting",
        "bad.surrogates": "lone surrogates",
        "bad.control": "control characters",
    },
}  # fmt: skip
"""Section, to id, to what it says."""
