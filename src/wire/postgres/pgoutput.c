#include "wire/postgres/pgoutput.h"

#include "base/memory.h"
#include "base/time.h"

#include "base/banned.h"

#define POSTGRES_EPOCH_US (POSTGRES_EPOCH_SECONDS * US_PER_SECOND)

/* PostgreSQL's clock to ours; its infinities stay at the ends of the range. */
static int64_t since_1970(uint64_t postgres_us)
{
    int64_t us = (int64_t)postgres_us;

    return us > INT64_MAX - POSTGRES_EPOCH_US ? INT64_MAX : us + POSTGRES_EPOCH_US;
}

void pg_lsn_to_text(uint64_t lsn, char text[PG_LSN_TEXT_SIZE])
{
    snprintf(text, PG_LSN_TEXT_SIZE, "%X/%X", (unsigned)(lsn >> 32), (unsigned)(lsn & UINT32_MAX));
}

/* Up to 8 hexadecimal digits off the front. */
static bool take_hex(struct slice *rest, uint32_t *value)
{
    size_t digits = 0;

    *value = 0;
    for (; digits < rest->size && digits <= 8; digits++) {
        uint8_t byte = rest->data[digits];

        if (byte >= '0' && byte <= '9')
            *value = *value << 4 | (uint32_t)(byte - '0');
        else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
            *value = *value << 4 | (uint32_t)((byte | 0x20) - 'a' + 10);
        else
            break;
    }
    *rest = slice_from(*rest, digits);
    return digits >= 1 && digits <= 8;
}

bool pg_lsn_from_text(struct slice text, uint64_t *lsn)
{
    uint32_t high, low;

    if (!take_hex(&text, &high) || text.size == 0 || text.data[0] != '/')
        return false;
    text = slice_from(text, 1);
    if (!take_hex(&text, &low) || text.size != 0)
        return false;
    *lsn = (uint64_t)high << 32 | low;
    return true;
}

bool replication_message_read(struct slice bytes, struct replication_message *message)
{
    struct reader in = reader_of(bytes);

    memset(message, 0, sizeof(*message));
    message->kind = (char)read_u8(&in);
    switch (message->kind) {
    case REPLICATION_DATA:
        message->start_lsn = read_u64(&in);
        message->end_lsn = read_u64(&in);
        message->sent_us = since_1970(read_u64(&in));
        message->data = read_bytes(&in, reader_left(&in));
        break;
    case REPLICATION_KEEPALIVE:
        message->end_lsn = read_u64(&in);
        message->sent_us = since_1970(read_u64(&in));
        message->reply_requested = read_u8(&in) != 0;
        break;
    default: return false;
    }
    return !in.failed;
}

static uint8_t *put_u64(uint8_t *out, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *out++ = (uint8_t)(value >> shift);
    return out;
}

void standby_status_write(uint8_t out[STANDBY_STATUS_SIZE], uint64_t received_lsn, uint64_t flushed_lsn, uint64_t applied_lsn,
                          int64_t now_us, bool reply_requested)
{
    *out++ = 'r';
    out = put_u64(out, received_lsn);
    out = put_u64(out, flushed_lsn);
    out = put_u64(out, applied_lsn);
    out = put_u64(out, (uint64_t)(now_us - POSTGRES_EPOCH_US));
    *out = reply_requested;
}

/* ---- pgoutput ---- */

void pgoutput_decoder_init(struct pgoutput_decoder *decoder)
{
    memset(decoder, 0, sizeof(*decoder));
}

void pgoutput_decoder_finish(struct pgoutput_decoder *decoder)
{
    memory_free(decoder->old_values);
    memory_free(decoder->new_values);
    pgoutput_decoder_init(decoder);
}

/* TupleData: a count, then of each column a kind and, for text, its length and bytes. */
static void tuple_read(struct reader *in, struct pg_value **values, size_t *capacity, struct pg_row *row)
{
    size_t count = read_u16(in);

    if (count > reader_left(in)) { /* each column takes a byte at least */
        reader_fail(in);
        return;
    }
    if (count > *capacity) {
        *values = memory_resize(*values, count * sizeof(**values));
        *capacity = count;
    }
    row->count = count;
    row->values = *values;
    for (size_t i = 0; i < count; i++) {
        struct pg_value *value = &(*values)[i];

        value->text = slice_null();
        switch (read_u8(in)) {
        case 'n': value->kind = PG_VALUE_NULL; break;
        case 'u': value->kind = PG_VALUE_UNCHANGED; break;
        case 't':
            value->kind = PG_VALUE_TEXT;
            value->text = read_bytes(in, read_u32(in));
            break;
        default: reader_fail(in); return;
        }
    }
}

static void begin_read(struct reader *in, struct pgoutput_begin *begin)
{
    begin->final_lsn = read_u64(in);
    begin->commit_time_us = since_1970(read_u64(in));
    begin->xid = read_u32(in);
}

static void commit_read(struct reader *in, struct pgoutput_commit *commit)
{
    read_u8(in); /* flags, unused so far */
    commit->commit_lsn = read_u64(in);
    commit->end_lsn = read_u64(in);
    commit->commit_time_us = since_1970(read_u64(in));
}

static void column_read(struct reader *in, struct pgoutput_column *column)
{
    column->in_key = (read_u8(in) & 1) != 0;
    column->name = read_cstring(in);
    column->type_oid = read_u32(in);
    column->modifier = (int32_t)read_u32(in);
}

static void relation_read(struct reader *in, struct pgoutput_relation *relation)
{
    struct pgoutput_column column;

    relation->oid = read_u32(in);
    relation->schema = read_cstring(in);
    relation->name = read_cstring(in);
    relation->replica_identity = (char)read_u8(in);
    relation->column_count = read_u16(in);
    relation->columns = *in;
    for (size_t i = 0; i < relation->column_count && !in->failed; i++)
        column_read(in, &column);
}

bool pgoutput_column_next(struct pgoutput_relation *relation, struct pgoutput_column *column)
{
    if (relation->column_count == 0)
        return false;
    relation->column_count--;
    column_read(&relation->columns, column);
    return !relation->columns.failed;
}

static void change_read(struct pgoutput_decoder *decoder, struct reader *in, enum pgoutput_kind kind, struct pgoutput_change *change)
{
    uint8_t part;

    change->relation_oid = read_u32(in);
    part = read_u8(in);
    if (kind != PGOUTPUT_INSERT && (part == 'K' || part == 'O')) {
        change->has_old = true;
        change->old_is_key = part == 'K';
        tuple_read(in, &decoder->old_values, &decoder->old_capacity, &change->old);
        if (kind == PGOUTPUT_DELETE)
            return;
        part = read_u8(in);
    }
    if (part == 'N' && kind != PGOUTPUT_DELETE)
        tuple_read(in, &decoder->new_values, &decoder->new_capacity, &change->new);
    else
        reader_fail(in);
}

static void truncate_read(struct reader *in, struct pgoutput_truncate *truncate)
{
    truncate->relation_count = read_u32(in);
    truncate->options = read_u8(in);
    truncate->relations = *in;
    if (truncate->relation_count > reader_left(in) / sizeof(uint32_t))
        reader_fail(in);
    else
        read_bytes(in, truncate->relation_count * sizeof(uint32_t));
}

static void emitted_read(struct reader *in, struct pgoutput_emitted *message)
{
    message->transactional = (read_u8(in) & 1) != 0;
    message->lsn = read_u64(in);
    message->prefix = read_cstring(in);
    message->content = read_bytes(in, read_u32(in));
}

static void stream_abort_read(struct reader *in, struct pgoutput_stream_abort *abort)
{
    abort->xid = read_u32(in);
    abort->subxid = read_u32(in);
    if (reader_left(in) != 0) {
        abort->has_abort = true;
        abort->abort_lsn = read_u64(in);
        abort->abort_time_us = since_1970(read_u64(in));
    }
}

/* Does a message of this kind name its transaction when it stands in a streamed block? */
static bool kind_has_xid(enum pgoutput_kind kind)
{
    switch (kind) {
    case PGOUTPUT_RELATION:
    case PGOUTPUT_TYPE:
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
    case PGOUTPUT_TRUNCATE:
    case PGOUTPUT_MESSAGE: return true;
    default: return false;
    }
}

static void body_read(struct pgoutput_decoder *decoder, struct reader *in, struct pgoutput_message *message)
{
    switch (message->kind) {
    case PGOUTPUT_BEGIN: begin_read(in, &message->begin); break;
    case PGOUTPUT_COMMIT: commit_read(in, &message->commit); break;
    case PGOUTPUT_ORIGIN:
        message->origin.lsn = read_u64(in);
        message->origin.name = read_cstring(in);
        break;
    case PGOUTPUT_RELATION: relation_read(in, &message->relation); break;
    case PGOUTPUT_TYPE:
        message->type.oid = read_u32(in);
        message->type.schema = read_cstring(in);
        message->type.name = read_cstring(in);
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE: change_read(decoder, in, message->kind, &message->change); break;
    case PGOUTPUT_TRUNCATE: truncate_read(in, &message->truncate); break;
    case PGOUTPUT_MESSAGE: emitted_read(in, &message->message); break;
    case PGOUTPUT_STREAM_START:
        message->stream_start.xid = read_u32(in);
        message->stream_start.first_segment = read_u8(in) != 0;
        break;
    case PGOUTPUT_STREAM_STOP: break;
    case PGOUTPUT_STREAM_COMMIT:
        message->commit.xid = read_u32(in);
        commit_read(in, &message->commit);
        break;
    case PGOUTPUT_STREAM_ABORT: stream_abort_read(in, &message->stream_abort); break;
    default: reader_fail(in);
    }
}

bool pgoutput_decode(struct pgoutput_decoder *decoder, struct slice bytes, struct pgoutput_message *message)
{
    struct reader in = reader_of(bytes);

    memset(message, 0, sizeof(*message));
    message->kind = (enum pgoutput_kind)read_u8(&in);
    if (decoder->in_stream && kind_has_xid(message->kind))
        message->xid = read_u32(&in);
    body_read(decoder, &in, message);
    if (in.failed || reader_left(&in) != 0)
        return false;
    if (message->kind == PGOUTPUT_STREAM_START)
        decoder->in_stream = true;
    else if (message->kind == PGOUTPUT_STREAM_STOP)
        decoder->in_stream = false;
    return true;
}
