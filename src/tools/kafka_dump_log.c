/* kafka-dump-log: prints what segment files, indexes and producer snapshots hold. Source: Apache Kafka's DumpLogSegments */
#include "tools/tool_list.h"

#include "base/banned.h"
#include "base/crc32c.h"
#include "base/reader.h"
#include "base/text.h"
#include "tools/arguments.h"
#include "tools/command.h"
#include "wire/kafka/records.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN_BYTES_MAX ((size_t)1 << 30)
#define PATH_BYTES_MAX 4096
#define INDEX_ENTRY_BYTES 8
#define TIME_INDEX_ENTRY_BYTES 12
#define TRANSACTION_ENTRY_BYTES 34
#define SNAPSHOT_CRC_AT 2

static const struct argument_spec specs[] = {
    {.name = "cluster-metadata-decoder", .help = "Accepted; records are printed as text."},
    {.name = "deep-iteration", .help = "Print every record, not only batches."},
    {.name = "files", .argument = ARGUMENT_REQUIRED, .value = "file1, file2, ...", .help = "REQUIRED: the files."},
    {.name = "index-sanity-check", .help = "Only check indexes."},
    {.name = "key-decoder-class", .argument = ARGUMENT_OPTIONAL, .value = "class", .help = "How keys are shown.",
     .default_value = "org.apache.kafka.tools.api.StringDecoder"},
    {.name = "max-bytes", .argument = ARGUMENT_REQUIRED, .value = "size", .help = "Look only at so many bytes of a log.",
     .default_value = "2147483647"},
    {.name = "max-message-size", .argument = ARGUMENT_REQUIRED, .value = "size", .help = "Largest message.", .default_value = "5242880"},
    {.name = "offsets-decoder", .help = "Accepted; records are printed as text."},
    {.name = "print-data-log", .help = "Print keys and values of records too."},
    {.name = "remote-log-metadata-decoder", .help = "Accepted; records are printed as text."},
    {.name = "share-group-state-decoder", .help = "Accepted; records are printed as text."},
    {.name = "skip-record-metadata", .help = "Print only keys and values of records."},
    {.name = "transaction-log-decoder", .help = "Accepted; records are printed as text."},
    {.name = "value-decoder-class", .argument = ARGUMENT_OPTIONAL, .value = "class", .help = "How values are shown.",
     .default_value = "org.apache.kafka.tools.api.StringDecoder"},
    {.name = "verify-index-only", .help = "Check indexes against the log without printing them."},
    ARGUMENTS_COMMON,
    {0},
};

struct pair {
    const char *file;
    int64_t left, right;
};

struct pairs {
    struct pair *items;
    size_t count, capacity;
};

struct dump {
    struct arena *arena;
    struct arguments options;
    struct decompressor *decompressor;
    struct buffer scratch;
    bool prints_data, is_deep, skips_metadata, only_checks, only_verifies;
    int32_t bytes_max;
    struct pairs index_mismatches, time_mismatches, time_disorder, time_missing, gaps;
};

/* ---- Files ---- */

struct mapping {
    struct slice content;
    void *memory; /* NULL: the file is empty */
};

static const struct failure *file_map(struct dump *dump, const char *path, struct mapping *mapping)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *mapping = (struct mapping){0};
    if (fd < 0)
        return failure_of(dump->arena, errno == ENOENT ? FAILURE_NO_SUCH_FILE : "java.nio.file.AccessDeniedException", "%s", path);
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        (void)close(fd);
        return failure_of(dump->arena, "java.io.IOException", "%s is no file", path);
    }
    if (facts.st_size > 0) {
        mapping->memory = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapping->memory == MAP_FAILED)
            mapping->memory = NULL;
        else
            mapping->content = slice_of(mapping->memory, (size_t)facts.st_size);
    }
    (void)close(fd);
    if (mapping->memory == NULL && facts.st_size > 0)
        return failure_of(dump->arena, "java.io.IOException", "Map failed: %s", path);
    return NULL;
}

static void file_unmap(struct mapping *mapping)
{
    if (mapping->memory != NULL)
        (void)munmap(mapping->memory, mapping->content.size);
    mapping->memory = NULL;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static const char *file_suffix(const char *path)
{
    const char *dot = strrchr(file_name(path), '.');

    return dot == NULL ? "" : dot;
}

static bool is_log(const char *path)
{
    return strcmp(file_suffix(path), ".log") == 0;
}

/* The offset that a file's name begins with. */
static const struct failure *base_offset(struct dump *dump, const char *path, int64_t *offset)
{
    const char *name = file_name(path);

    return arguments_parse_long(dump->arena, arena_copy_string(dump->arena, slice_of(name, strcspn(name, "."))), offset);
}

/* The same file with another suffix. */
static const char *sibling(struct dump *dump, const char *path, const char *suffix)
{
    const char *name = file_name(path);

    return arena_format(dump->arena, "%.*s%.*s%s", (int)(name - path), path, (int)strcspn(name, "."), name, suffix);
}

static const char *absolute_path(struct dump *dump, const char *path)
{
    char directory[PATH_BYTES_MAX];

    if (path[0] == '/' || getcwd(directory, sizeof(directory)) == NULL)
        return path;
    return arena_format(dump->arena, "%s/%s", directory, path);
}

static void pair_add(struct dump *dump, struct pairs *pairs, const char *path, int64_t left, int64_t right)
{
    if (pairs->count == pairs->capacity) {
        struct pair *all = arena_new_array(dump->arena, pairs->capacity * 2 + 16, sizeof(*all));

        if (pairs->count > 0)
            memcpy(all, pairs->items, pairs->count * sizeof(*all));
        pairs->items = all;
        pairs->capacity = pairs->capacity * 2 + 16;
    }
    pairs->items[pairs->count++] = (struct pair){path, left, right};
}

/* ---- Logs ---- */

static const char *time_kind(const struct record_batch *batch)
{
    return (batch->attributes & RECORD_BATCH_APPEND_TIME) != 0 ? "LogAppendTime" : "CreateTime";
}

static void batch_print(const struct record_batch *batch, size_t position)
{
    (void)printf("baseOffset: %lld lastOffset: %lld count: %d baseSequence: %d lastSequence: %d producerId: %lld producerEpoch: %d "
                 "partitionLeaderEpoch: %d isTransactional: %s isControl: %s deleteHorizonMs: ",
                 (long long)batch->base_offset, (long long)(record_batch_next_offset(batch) - 1), batch->count, batch->base_sequence,
                 record_batch_last_sequence(batch), (long long)batch->producer_id, batch->producer_epoch, batch->leader_epoch,
                 record_batch_is_transactional(batch) ? "true" : "false", record_batch_is_control(batch) ? "true" : "false");
    if ((batch->attributes & RECORD_BATCH_DELETE_HORIZON) != 0)
        (void)printf("OptionalLong[%lld]", (long long)batch->base_timestamp_ms);
    else
        (void)fputs("OptionalLong.empty", stdout);
    (void)printf(" position: %zu %s: %lld size: %zu magic: %d compresscodec: %s crc: %u isvalid: %s\n", position, time_kind(batch),
                 (long long)batch->max_timestamp_ms, batch->bytes.size, RECORD_BATCH_MAGIC, compression_name(record_batch_codec(batch)), batch->crc,
                 record_batch_checksum_is_right(batch) ? "true" : "false");
}

static void header_keys_print(struct record record)
{
    struct record_header header;
    bool is_first = true;

    (void)fputs(" headerKeys: [", stdout);
    while (record_next_header(&record, &header)) {
        (void)printf("%s%.*s", is_first ? "" : ",", (int)header.key.size, (const char *)header.key.data);
        is_first = false;
    }
    (void)putchar(']');
}

static void metadata_print(const struct record_batch *batch, const struct record *record, int32_t index)
{
    int32_t sequence = batch->base_sequence < 0 ? -1 : (int32_t)(((uint32_t)batch->base_sequence + (uint32_t)index) & 0x7fffffffu);
    enum control_record type;
    int32_t epoch;

    (void)printf("| offset: %lld %s: %lld keySize: %lld valueSize: %lld sequence: %d", (long long)record->offset, time_kind(batch),
                 (long long)record->timestamp_ms, record->key.data == NULL ? -1LL : (long long)record->key.size,
                 record->value.data == NULL ? -1LL : (long long)record->value.size, sequence);
    header_keys_print(*record);
    if (record_batch_is_control(batch) && control_record_read(record, &type, &epoch))
        (void)printf(" endTxnMarker: %s coordinatorEpoch: %d", type == CONTROL_COMMIT ? "COMMIT" : "ABORT", epoch);
}

/* As text, or as a number when the class says so. */
static void decoded_print(const char *class_name, struct slice bytes)
{
    struct reader in = reader_of(bytes);

    if (strstr(class_name, "LongDecoder") != NULL && bytes.size == 8)
        (void)printf("%lld", (long long)read_u64(&in));
    else if (strstr(class_name, "IntegerDecoder") != NULL && bytes.size == 4)
        (void)printf("%d", (int32_t)read_u32(&in));
    else
        (void)fwrite(bytes.data, 1, bytes.size, stdout);
}

static const char *decoder_of(const struct dump *dump, const char *option)
{
    const char *class_name = NULL;

    if (arguments_text(&dump->options, option, &class_name) != NULL || class_name == NULL)
        return "";
    return class_name;
}

static void data_print(const struct dump *dump, const struct record *record)
{
    const char *prefix = dump->skips_metadata ? "| " : " ";

    if (record->key.data != NULL) {
        (void)printf("%skey: ", prefix);
        decoded_print(decoder_of(dump, "key-decoder-class"), record->key);
        prefix = " ";
    }
    if (record->value.data != NULL) {
        (void)printf("%spayload: ", prefix);
        decoded_print(decoder_of(dump, "value-decoder-class"), record->value);
    }
}

static const struct failure *records_print(struct dump *dump, const char *path, const struct record_batch *batch, int64_t *last_offset)
{
    struct record_iterator iterator;
    struct record record;
    struct error error;
    int32_t index = 0;

    if (record_iterator_init(&iterator, batch, dump->decompressor, PLAIN_BYTES_MAX, &dump->scratch, &error) != OK)
        return failure_of(dump->arena, FAILURE_KAFKA, "%s", error.message);
    while (record_iterator_next(&iterator, &record)) {
        if (*last_offset != -1 && record.offset != *last_offset + 1)
            pair_add(dump, &dump->gaps, absolute_path(dump, path), *last_offset, record.offset);
        *last_offset = record.offset;
        if (!dump->skips_metadata)
            metadata_print(batch, &record, index);
        if (dump->prints_data && !record_batch_is_control(batch))
            data_print(dump, &record);
        (void)putchar('\n');
        index++;
    }
    return iterator.failed ? failure_of(dump->arena, "org.apache.kafka.common.InvalidRecordException", "Found invalid record structure") : NULL;
}

static const struct failure *log_print(struct dump *dump, const char *path, struct slice content)
{
    struct slice rest = content;
    int64_t last_offset = -1;
    size_t position = 0;
    const struct failure *failure = NULL;
    int64_t size;

    if (rest.size > (size_t)dump->bytes_max)
        rest.size = (size_t)dump->bytes_max;
    while (failure == NULL && (size = record_batch_size(rest)) > 0 && (size_t)size <= rest.size) {
        struct record_batch batch;
        struct error error;

        if (record_batch_read(rest, &batch, &error) != OK)
            return failure_of(dump->arena, "org.apache.kafka.common.errors.CorruptRecordException", "%s at position %zu", error.message, position);
        batch_print(&batch, position);
        if (dump->is_deep)
            failure = records_print(dump, path, &batch, &last_offset);
        position += (size_t)size;
        rest = slice_from(rest, (size_t)size);
    }
    if (failure == NULL && position < content.size && dump->bytes_max == INT32_MAX)
        (void)printf("Found %zu invalid bytes at the end of %s\n", content.size - position, file_name(path));
    return failure;
}

static const struct failure *log_dump(struct dump *dump, const char *path)
{
    struct mapping mapping = {0};
    int64_t offset;
    const struct failure *failure = is_log(path) ? base_offset(dump, path, &offset) : NULL;

    if (failure != NULL)
        return failure;
    if (is_log(path))
        (void)printf("Log starting offset: %lld\n", (long long)offset);
    failure = file_map(dump, path, &mapping);
    if (failure == NULL)
        failure = log_print(dump, path, mapping.content);
    file_unmap(&mapping);
    return failure;
}

/* ---- Indexes ---- */

/* The last offset of the batch at a position of the log; -1 when there is none. */
static int64_t last_offset_at(struct slice log, int64_t position)
{
    struct record_batch batch;
    struct error error;

    if (position < 0 || (size_t)position >= log.size || record_batch_read(slice_from(log, (size_t)position), &batch, &error) != OK)
        return -1;
    return record_batch_next_offset(&batch) - 1;
}

static const struct failure *index_print(struct dump *dump, const char *path, int64_t base, struct slice index, struct slice log)
{
    size_t count = index.size / INDEX_ENTRY_BYTES;
    struct reader in = reader_of(index);

    if (count == 0) {
        (void)printf("%s is empty.\n", path);
        return NULL;
    }
    if (dump->only_checks) {
        (void)printf("%s passed sanity check.\n", path);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t offset = base + (int32_t)read_u32(&in);
        int32_t position = (int32_t)read_u32(&in);
        int64_t found;

        /* Files have room for more entries, filled with zeros. */
        if (offset == base && i > 0)
            return NULL;
        found = last_offset_at(log, position);
        if (found != offset)
            pair_add(dump, &dump->index_mismatches, absolute_path(dump, path), offset, found);
        if (!dump->only_verifies)
            (void)printf("offset: %lld position: %d\n", (long long)offset, position);
    }
    return NULL;
}

static const struct failure *index_dump(struct dump *dump, const char *path)
{
    struct mapping index = {0};
    struct mapping log = {0};
    int64_t base;
    const struct failure *failure = base_offset(dump, path, &base);

    if (failure == NULL)
        failure = file_map(dump, sibling(dump, path, ".log"), &log);
    if (failure == NULL)
        failure = file_map(dump, path, &index);
    if (failure == NULL)
        failure = index_print(dump, path, base, index.content, log.content);
    file_unmap(&index);
    file_unmap(&log);
    return failure;
}

/* The batch that holds an offset, from a position on; false when there is none. */
static bool batch_find(struct slice log, int64_t position, int64_t offset, struct record_batch *batch)
{
    struct slice rest = slice_from(log, (size_t)position);
    struct error error;
    int64_t size;

    while ((size = record_batch_size(rest)) > 0 && (size_t)size <= rest.size && record_batch_read(rest, batch, &error) == OK) {
        if (record_batch_next_offset(batch) > offset)
            return true;
        rest = slice_from(rest, (size_t)size);
    }
    return false;
}

/* The position from which to look for an offset. */
static int64_t index_lookup(struct slice index, int64_t base, int64_t offset)
{
    struct reader in = reader_of(index);
    int64_t found = 0;

    for (size_t i = 0; i < index.size / INDEX_ENTRY_BYTES; i++) {
        int64_t entry = base + (int32_t)read_u32(&in);
        int32_t position = (int32_t)read_u32(&in);

        if (entry > offset || (entry == base && i > 0))
            break;
        found = position;
    }
    return found;
}

static int64_t max_timestamp(struct dump *dump, const struct record_batch *batch)
{
    struct record_iterator iterator;
    struct record record;
    struct error error;
    int64_t max_ms = -1;

    if (record_iterator_init(&iterator, batch, dump->decompressor, PLAIN_BYTES_MAX, &dump->scratch, &error) != OK)
        return -1;
    while (record_iterator_next(&iterator, &record)) {
        if (record.timestamp_ms > max_ms)
            max_ms = record.timestamp_ms;
    }
    return max_ms;
}

static void time_entry_check(struct dump *dump, const char *path, struct slice log, int64_t position, int64_t timestamp, int64_t offset,
                             int64_t timestamp_before)
{
    struct record_batch batch;
    const char *absolute = absolute_path(dump, path);

    if (!batch_find(log, position, offset, &batch)) {
        pair_add(dump, &dump->time_missing, absolute, offset, -1);
    } else if (record_batch_next_offset(&batch) - 1 != offset) {
        pair_add(dump, &dump->time_missing, absolute, offset, record_batch_next_offset(&batch) - 1);
    } else {
        int64_t max_ms = max_timestamp(dump, &batch);

        if (max_ms != timestamp)
            pair_add(dump, &dump->time_mismatches, absolute, timestamp, max_ms);
        if (timestamp_before >= timestamp)
            pair_add(dump, &dump->time_disorder, absolute, timestamp, timestamp_before);
    }
}

static const struct failure *time_index_print(struct dump *dump, const char *path, int64_t base, struct slice times, struct slice index,
                                              struct slice log)
{
    struct reader in = reader_of(times);
    int64_t timestamp_before = -1;

    if (dump->only_checks) {
        (void)printf("%s passed sanity check.\n", path);
        return NULL;
    }
    for (size_t i = 0; i < times.size / TIME_INDEX_ENTRY_BYTES; i++) {
        int64_t timestamp = (int64_t)read_u64(&in);
        int64_t offset = base + (int32_t)read_u32(&in);

        if (offset == base && i > 0)
            return NULL;
        time_entry_check(dump, path, log, index_lookup(index, base, offset), timestamp, offset, timestamp_before);
        if (!dump->only_verifies)
            (void)printf("timestamp: %lld offset: %lld\n", (long long)timestamp, (long long)offset);
        timestamp_before = timestamp;
    }
    return NULL;
}

static const struct failure *time_index_dump(struct dump *dump, const char *path)
{
    struct mapping times = {0};
    struct mapping index = {0};
    struct mapping log = {0};
    int64_t base;
    const struct failure *failure = base_offset(dump, path, &base);

    if (failure == NULL)
        failure = file_map(dump, sibling(dump, path, ".log"), &log);
    if (failure == NULL)
        failure = file_map(dump, sibling(dump, path, ".index"), &index);
    if (failure == NULL)
        failure = file_map(dump, path, &times);
    if (failure == NULL)
        failure = time_index_print(dump, path, base, times.content, index.content, log.content);
    file_unmap(&times);
    file_unmap(&index);
    file_unmap(&log);
    return failure;
}

/* ---- Producers and transactions ---- */

static const struct failure *transactions_dump(struct dump *dump, const char *path)
{
    struct mapping mapping;
    const struct failure *failure = file_map(dump, path, &mapping);
    struct reader in = reader_of(mapping.content);

    while (failure == NULL && reader_left(&in) >= TRANSACTION_ENTRY_BYTES) {
        int version = (int16_t)read_u16(&in);
        long long producer_id = (long long)read_u64(&in);
        long long first = (long long)read_u64(&in);
        long long last = (long long)read_u64(&in);

        (void)printf("version: %d producerId: %lld firstOffset: %lld lastOffset: %lld lastStableOffset: %lld\n", version, producer_id, first, last,
                     (long long)read_u64(&in));
    }
    file_unmap(&mapping);
    return failure;
}

static void producer_print(struct reader *in)
{
    long long producer_id = (long long)read_u64(in);
    int epoch = (int16_t)read_u16(in);
    int32_t sequence = (int32_t)read_u32(in);
    int64_t offset = (int64_t)read_u64(in);
    int32_t delta = (int32_t)read_u32(in);
    long long timestamp = (long long)read_u64(in);
    int32_t coordinator_epoch = (int32_t)read_u32(in);
    int64_t first_offset = (int64_t)read_u64(in);

    (void)printf("producerId: %lld producerEpoch: %d coordinatorEpoch: %d currentTxnFirstOffset: ", producer_id, epoch, coordinator_epoch);
    if (first_offset >= 0)
        (void)printf("OptionalLong[%lld]", (long long)first_offset);
    else
        (void)fputs("OptionalLong.empty", stdout);
    (void)printf(" lastTimestamp: %lld", timestamp);
    if (offset >= 0)
        (void)printf(" firstSequence: %d lastSequence: %d lastOffset: %lld offsetDelta: %d timestamp: %lld",
                     (int32_t)(((uint32_t)sequence - (uint32_t)delta) & 0x7fffffffu), sequence, (long long)offset, delta, timestamp);
    (void)putchar('\n');
}

static const struct failure *snapshot_dump(struct dump *dump, const char *path)
{
    struct mapping mapping;
    const struct failure *failure = file_map(dump, path, &mapping);
    struct reader in = reader_of(mapping.content);
    int version = (int16_t)read_u16(&in);
    uint32_t stored = read_u32(&in);
    uint32_t right = crc32c(0, slice_from(mapping.content, SNAPSHOT_CRC_AT + 4));
    uint32_t count = read_u32(&in);

    if (failure == NULL && (in.failed || version != 1 || stored != right))
        (void)fprintf(stderr, "Snapshot is corrupt (CRC is no longer valid). Stored crc: %u. Computed crc: %u\n", stored, right);
    else
        for (uint32_t i = 0; failure == NULL && i < count && reader_left(&in) > 0; i++)
            producer_print(&in);
    file_unmap(&mapping);
    return failure;
}

/* ---- What was found wrong ---- */

static void pairs_print(const struct pairs *pairs, const char *head, const char *row_left, const char *row_right)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (i == 0 || pairs->items[i].file != pairs->items[i - 1].file)
            (void)fprintf(stderr, "%s%s\n", head, strchr(head, '.') == NULL ? pairs->items[i].file : "");
        (void)fprintf(stderr, "%s%lld%s%lld\n", row_left, (long long)pairs->items[i].left, row_right, (long long)pairs->items[i].right);
    }
}

static void troubles_print(const struct dump *dump)
{
    pairs_print(&dump->index_mismatches, "Mismatches in :", "  Index offset: ", ", log offset: ");
    pairs_print(&dump->time_mismatches, "Found timestamp mismatch in :", "  Index timestamp: ", ", log timestamp: ");
    pairs_print(&dump->time_disorder, "Found out of order timestamp in :", "  Index timestamp: ", ", Previously indexed timestamp: ");
    pairs_print(&dump->time_missing, "The following indexed offsets are not found in the log.", "Indexed offset: ", ", found log offset: ");
    pairs_print(&dump->gaps, "Non-consecutive offsets in ", "  ", " is followed by ");
}

/* ---- The tool ---- */

static const struct failure *file_dump(struct dump *dump, const char *path)
{
    const char *suffix = file_suffix(path);

    (void)printf("Dumping %s\n", path);
    if (strcmp(suffix, ".log") == 0 || strcmp(suffix, ".checkpoint") == 0)
        return log_dump(dump, path);
    if (strcmp(suffix, ".index") == 0)
        return index_dump(dump, path);
    if (strcmp(suffix, ".timeindex") == 0)
        return time_index_dump(dump, path);
    if (strcmp(suffix, ".snapshot") == 0)
        return snapshot_dump(dump, path);
    if (strcmp(suffix, ".txnindex") == 0)
        return transactions_dump(dump, path);
    (void)fprintf(stderr, "Ignoring unknown file %s\n", path);
    return NULL;
}

static const struct failure *files_dump(struct dump *dump)
{
    const char *files = NULL;
    struct slice rest, field;
    const struct failure *failure = arguments_text(&dump->options, "files", &files);

    if (failure == NULL)
        failure = arguments_int(&dump->options, "max-bytes", &dump->bytes_max);
    rest = slice_from_string(files);
    while (failure == NULL && text_next_field(&rest, ',', &field))
        failure = file_dump(dump, arena_copy_string(dump->arena, field));
    return failure;
}

static int uncaught(const struct failure *failure)
{
    (void)fputs("Exception in thread \"main\" ", stderr);
    failure_print(stderr, failure);
    return 1;
}

static int dump_log_run(struct arena *arena, int argc, char **argv)
{
    struct dump dump = {.arena = arena};
    const struct failure *failure = arguments_parse(&dump.options, arena, specs, argc, argv);
    int exit_code = 0;

    if (failure != NULL)
        return uncaught(failure);
    if (arguments_help_or_version(
            &dump.options,
            "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.",
            &exit_code))
        return exit_code;
    failure = arguments_require(&dump.options, "files", NULL);
    if (failure != NULL)
        return arguments_print_usage(&dump.options, failure->message);
    dump.decompressor = decompressor_create();
    buffer_init(&dump.scratch, PLAIN_BYTES_MAX);
    dump.prints_data = arguments_has(&dump.options, "print-data-log");
    dump.is_deep = dump.prints_data || arguments_has(&dump.options, "deep-iteration");
    dump.skips_metadata = arguments_has(&dump.options, "skip-record-metadata");
    dump.only_checks = arguments_has(&dump.options, "index-sanity-check");
    dump.only_verifies = arguments_has(&dump.options, "verify-index-only");
    failure = files_dump(&dump);
    if (failure == NULL)
        troubles_print(&dump);
    else
        exit_code = uncaught(failure);
    decompressor_destroy(dump.decompressor);
    buffer_finish(&dump.scratch);
    return exit_code;
}

int kafka_dump_log_main(int argc, char **argv)
{
    return command_run(argc, argv, dump_log_run);
}
