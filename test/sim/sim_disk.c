#include "sim_disk.h"

#include "base/banned.h"
#include "base/map.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#define SECTOR_BYTES 512

enum change_kind { CHANGE_WRITE, CHANGE_TRUNCATE };

struct change { /* of a file's bytes, not durable yet */
    struct change *next;
    enum change_kind kind;
    int64_t position; /* or the new size */
    size_t size;
    uint8_t bytes[];
};

struct naming { /* a change of a directory, not durable yet */
    struct naming *next;
    char *removed; /* NULL: nothing */
    char *added;   /* NULL: nothing */
    struct node *node;
};

struct bytes {
    uint8_t *data;
    int64_t size, capacity;
};

struct node { /* a file or a directory */
    int references;
    uint64_t random; /* its own, so that a cut does not depend on the order of names */
    bool is_directory;
    struct bytes now;     /* what reading gives */
    struct bytes durable; /* what a power cut leaves for sure */
    struct change *changes, **changes_end;
    struct map names_now; /* name -> struct node, each with a reference */
    struct map names_durable;
    struct naming *namings, **namings_end;
};

struct sim_file {
    struct disk_file file;
    struct node *node;
    uint64_t boot; /* a file of an earlier boot is dead */
    bool locked;
};

struct sim_disk {
    struct disk disk;
    uint64_t random;
    struct node *root;
    uint64_t boot;
    int64_t calls, cut_at;
    bool dead;
    int fail_writes, fail_syncs, fail_names;
    int64_t limit, used;
    bool locked;
    uint64_t nodes; /* made so far */
    uint64_t cut_salt;
    sim_disk_watcher *watcher;
    void *watcher_context;
};

/* ---- Chance ---- */

/* splitmix64 */
static uint64_t random_next(uint64_t *state, uint64_t below)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? 0 : z % below;
}

uint64_t sim_random(struct sim_disk *sim, uint64_t below)
{
    return random_next(&sim->random, below);
}

static bool chance(struct sim_disk *sim, int of_10000)
{
    return (int)sim_random(sim, 10000) < of_10000;
}

/* ---- Bytes ---- */

static void bytes_resize(struct bytes *bytes, int64_t size)
{
    if (size > bytes->capacity) {
        bytes->capacity = size < 1024 ? 1024 : size * 2;
        bytes->data = memory_resize(bytes->data, (size_t)bytes->capacity);
    }
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, (size_t)(size - bytes->size));
    bytes->size = size;
}

static void bytes_write(struct bytes *bytes, const uint8_t *from, size_t size, int64_t position)
{
    if (position + (int64_t)size > bytes->size)
        bytes_resize(bytes, position + (int64_t)size);
    if (size > 0)
        memcpy(bytes->data + position, from, size);
}

/* ---- Nodes ---- */

static struct node *node_new(struct sim_disk *sim, bool is_directory)
{
    struct node *node = memory_new(sizeof(*node));

    node->random = ++sim->nodes;
    node->references = 1;
    node->is_directory = is_directory;
    node->changes_end = &node->changes;
    node->namings_end = &node->namings;
    map_init(&node->names_now);
    map_init(&node->names_durable);
    return node;
}

static void node_release(struct sim_disk *sim, struct node *node);

static void names_clear(struct sim_disk *sim, struct map *names)
{
    const struct map_entry *entry;
    size_t at = 0;

    while ((entry = map_next(names, &at)) != NULL)
        node_release(sim, entry->value);
    map_finish(names);
}

static void changes_clear(struct node *node)
{
    while (node->changes != NULL) {
        struct change *next = node->changes->next;
        memory_free(node->changes);
        node->changes = next;
    }
    node->changes_end = &node->changes;
}

static void naming_free(struct sim_disk *sim, struct naming *naming)
{
    memory_free(naming->removed);
    memory_free(naming->added);
    if (naming->node != NULL)
        node_release(sim, naming->node);
    memory_free(naming);
}

static void node_release(struct sim_disk *sim, struct node *node)
{
    if (--node->references > 0)
        return;
    sim->used -= node->now.size;
    names_clear(sim, &node->names_now);
    names_clear(sim, &node->names_durable);
    while (node->namings != NULL) {
        struct naming *next = node->namings->next;
        naming_free(sim, node->namings);
        node->namings = next;
    }
    changes_clear(node);
    memory_free(node->now.data);
    memory_free(node->durable.data);
    memory_free(node);
}

static void name_put(struct sim_disk *sim, struct map *names, const char *name, struct node *node)
{
    struct node *before;

    node->references++;
    before = map_put_string(names, name, node);
    if (before != NULL)
        node_release(sim, before);
}

static void name_take(struct sim_disk *sim, struct map *names, const char *name)
{
    struct node *before = map_remove(names, slice_from_string(name));

    if (before != NULL)
        node_release(sim, before);
}

/* The directory that holds the path's last name. */
static struct node *parent_find(struct sim_disk *sim, const char *path, const char **name)
{
    struct node *at = sim->root;
    const char *slash;

    while (*path == '/')
        path++;
    while (at != NULL && (slash = strchr(path, '/')) != NULL) {
        at = map_get(&at->names_now, slice_of(path, (size_t)(slash - path)));
        if (at != NULL && !at->is_directory)
            at = NULL;
        path = slash + 1;
    }
    *name = path;
    return at;
}

static struct node *node_find(struct sim_disk *sim, const char *path)
{
    const char *name;
    struct node *parent = parent_find(sim, path, &name);

    if (name[0] == '\0')
        return parent;
    return parent == NULL ? NULL : map_get_string(&parent->names_now, name);
}

/* Notes a change of names and makes it in what is seen now. */
static void rename_note(struct sim_disk *sim, struct node *directory, const char *removed, const char *added, struct node *node)
{
    struct naming *naming = memory_new(sizeof(*naming));

    naming->removed = memory_copy_string(removed);
    naming->added = memory_copy_string(added);
    naming->node = node;
    if (node != NULL)
        node->references++;
    *directory->namings_end = naming;
    directory->namings_end = &naming->next;
    if (added != NULL)
        name_put(sim, &directory->names_now, added, node);
    if (removed != NULL)
        name_take(sim, &directory->names_now, removed);
}

static void naming_apply(struct sim_disk *sim, struct node *directory)
{
    struct naming *naming = directory->namings;

    if (naming->added != NULL)
        name_put(sim, &directory->names_durable, naming->added, naming->node);
    if (naming->removed != NULL)
        name_take(sim, &directory->names_durable, naming->removed);
    directory->namings = naming->next;
    if (directory->namings == NULL)
        directory->namings_end = &directory->namings;
    naming_free(sim, naming);
}

/* ---- Every call that changes something begins here ---- */

static int call(struct sim_disk *sim, int fail)
{
    if (sim->dead)
        return EIO;
    if (++sim->calls == sim->cut_at) {
        sim->dead = true;
        return EIO;
    }
    return chance(sim, fail) ? EIO : 0;
}

static struct sim_disk *sim_of(struct disk *disk)
{
    return (struct sim_disk *)(void *)((char *)disk - offsetof(struct sim_disk, disk));
}

static bool file_is_dead(struct sim_file *file)
{
    return sim_of(file->file.disk)->dead || file->boot != sim_of(file->file.disk)->boot;
}

/* ---- Files ---- */

static int sim_open(struct disk *disk, const char *path, enum disk_mode mode, struct disk_file **opened)
{
    struct sim_disk *sim = sim_of(disk);
    const char *name;
    struct node *parent = parent_find(sim, path, &name), *node;
    struct sim_file *file;
    int result;

    if (sim->dead)
        return EIO;
    if (parent == NULL)
        return ENOENT;
    node = map_get_string(&parent->names_now, name);
    if (node == NULL && mode < DISK_CREATE)
        return ENOENT;
    if (node != NULL && node->is_directory)
        return EISDIR;
    if (node == NULL) {
        result = call(sim, sim->fail_names);
        if (result != 0)
            return result;
        if (sim->limit >= 0 && sim->used >= sim->limit)
            return ENOSPC;
        node = node_new(sim, false);
        rename_note(sim, parent, NULL, name, node);
        node->references--;
    }
    file = memory_new(sizeof(*file));
    file->file = (struct disk_file){disk, memory_copy_string(path), -1};
    file->node = node;
    file->boot = sim->boot;
    node->references++;
    *opened = &file->file;
    if (mode == DISK_REPLACE && node->now.size > 0)
        return disk->operations->truncate(&file->file, 0);
    return 0;
}

static void sim_close(struct disk_file *base)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_disk *sim = sim_of(base->disk);

    if (file->locked)
        sim->locked = false;
    node_release(sim, file->node);
    memory_free(base->path);
    memory_free(file);
}

static void tell_watcher(const struct disk_file *file, bool is_read)
{
    const struct sim_disk *sim = sim_of(file->disk);

    if (sim->watcher != NULL)
        sim->watcher(sim->watcher_context, file->path, is_read);
}

static int sim_read(struct disk_file *base, void *bytes, size_t size, int64_t position, size_t *got)
{
    struct sim_file *file = (struct sim_file *)base;
    const struct bytes *now = &file->node->now;

    tell_watcher(base, true);
    *got = 0;
    if (file_is_dead(file))
        return EIO;
    if (position < now->size) {
        *got = now->size - position < (int64_t)size ? (size_t)(now->size - position) : size;
        memcpy(bytes, now->data + position, *got);
    }
    return 0;
}

static void change_add(struct node *node, enum change_kind kind, int64_t position, const uint8_t *bytes, size_t size)
{
    struct change *change = memory_new(sizeof(*change) + size);

    change->kind = kind;
    change->position = position;
    change->size = size;
    if (size > 0)
        memcpy(change->bytes, bytes, size);
    *node->changes_end = change;
    node->changes_end = &change->next;
}

static int write_bytes(struct sim_disk *sim, struct node *node, const uint8_t *bytes, size_t size, int64_t position)
{
    int64_t before = node->now.size, more = position + (int64_t)size - before;
    bool full = more > 0 && sim->limit >= 0 && sim->used + more > sim->limit;

    if (full) {
        int64_t room = sim->limit - sim->used;

        size = room <= 0 ? 0 : (size_t)(before + room > position ? before + room - position : 0);
    }
    if (size > 0) {
        bytes_write(&node->now, bytes, size, position);
        sim->used += node->now.size - before;
        change_add(node, CHANGE_WRITE, position, bytes, size);
    }
    return full ? ENOSPC : 0;
}

static int sim_write(struct disk_file *base, const struct iovec *parts, int count, int64_t position)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_disk *sim = sim_of(base->disk);
    int result;
    bool partly;

    tell_watcher(base, false);
    result = file_is_dead(file) ? EIO : call(sim, sim->fail_writes);
    partly = result != 0 && !file_is_dead(file) && chance(sim, 5000);
    if (result != 0 && !partly && !(sim->dead && sim->calls == sim->cut_at))
        return result;
    for (int i = 0; i < count; i++) {
        size_t size = result == 0 ? parts[i].iov_len : (size_t)sim_random(sim, parts[i].iov_len + 1);
        int full = write_bytes(sim, file->node, parts[i].iov_base, size, position);

        if (full != 0)
            return full;
        if (size < parts[i].iov_len)
            break;
        position += (int64_t)size;
    }
    return result;
}

static int sim_truncate(struct disk_file *base, int64_t size)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_disk *sim = sim_of(base->disk);
    struct node *node = file->node;
    int result = file_is_dead(file) ? EIO : call(sim, sim->fail_writes);

    if (result != 0)
        return result;
    sim->used += size - node->now.size;
    bytes_resize(&node->now, size);
    change_add(node, CHANGE_TRUNCATE, size, NULL, 0);
    return 0;
}

static void change_apply(struct bytes *bytes, const struct change *change)
{
    if (change->kind == CHANGE_WRITE)
        bytes_write(bytes, change->bytes, change->size, change->position);
    else
        bytes_resize(bytes, change->position);
}

static void sync_all(struct node *node)
{
    for (const struct change *change = node->changes; change != NULL; change = change->next)
        change_apply(&node->durable, change);
    changes_clear(node);
}

/* What writeback could not write is forgotten, though reading still shows it. */
static void forget_some(struct sim_disk *sim, struct node *node)
{
    struct change **at = &node->changes;

    while (*at != NULL) {
        struct change *change = *at;

        if (change->kind == CHANGE_WRITE && chance(sim, 5000)) {
            *at = change->next;
            memory_free(change);
        } else {
            at = &change->next;
        }
    }
    node->changes_end = at;
}

static int sim_sync(struct disk_file *base)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_disk *sim = sim_of(base->disk);
    int result;

    tell_watcher(base, false);
    result = file_is_dead(file) ? EIO : call(sim, sim->fail_syncs);
    if (result == 0)
        sync_all(file->node);
    else if (!file_is_dead(file))
        forget_some(sim, file->node);
    return result;
}

static int sim_size(struct disk_file *base, int64_t *size)
{
    struct sim_file *file = (struct sim_file *)base;

    if (file_is_dead(file))
        return EIO;
    *size = file->node->now.size;
    return 0;
}

static int sim_lock(struct disk_file *base)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_disk *sim = sim_of(base->disk);

    if (file_is_dead(file))
        return EIO;
    if (sim->locked)
        return EWOULDBLOCK;
    sim->locked = file->locked = true;
    return 0;
}

/* ---- Names ---- */

static int sim_rename(struct disk *disk, const char *from, const char *to)
{
    struct sim_disk *sim = sim_of(disk);
    const char *old_name, *new_name;
    struct node *parent = parent_find(sim, from, &old_name), *other = parent_find(sim, to, &new_name), *node;
    int result;

    if (sim->dead)
        return EIO;
    node = parent == NULL ? NULL : map_get_string(&parent->names_now, old_name);
    if (node == NULL || other == NULL)
        return ENOENT;
    assert(parent == other);
    result = call(sim, sim->fail_names);
    if (result == 0)
        rename_note(sim, parent, old_name, new_name, node);
    return result;
}

static int remove_name(struct disk *disk, const char *path, bool is_directory)
{
    struct sim_disk *sim = sim_of(disk);
    const char *name;
    struct node *parent = parent_find(sim, path, &name), *node;
    int result;

    if (sim->dead)
        return EIO;
    node = parent == NULL ? NULL : map_get_string(&parent->names_now, name);
    if (node == NULL)
        return ENOENT;
    if (node->is_directory != is_directory)
        return is_directory ? ENOTDIR : EISDIR;
    if (is_directory && node->names_now.count > 0)
        return ENOTEMPTY;
    result = call(sim, sim->fail_names);
    if (result == 0)
        rename_note(sim, parent, name, NULL, NULL);
    return result;
}

static int sim_unlink(struct disk *disk, const char *path)
{
    return remove_name(disk, path, false);
}

static int sim_remove_directory(struct disk *disk, const char *path)
{
    return remove_name(disk, path, true);
}

static int sim_make_directory(struct disk *disk, const char *path)
{
    struct sim_disk *sim = sim_of(disk);
    const char *name;
    struct node *parent = parent_find(sim, path, &name), *node;
    int result;

    if (sim->dead)
        return EIO;
    if (parent == NULL)
        return ENOENT;
    if (map_get_string(&parent->names_now, name) != NULL)
        return EEXIST;
    result = call(sim, sim->fail_names);
    if (result != 0)
        return result;
    node = node_new(sim, true);
    rename_note(sim, parent, NULL, name, node);
    node->references--;
    return 0;
}

static int sim_sync_directory(struct disk *disk, const char *path)
{
    struct sim_disk *sim = sim_of(disk);
    struct node *node = node_find(sim, path);
    int result;

    if (sim->dead)
        return EIO;
    if (node == NULL || !node->is_directory)
        return ENOENT;
    result = call(sim, sim->fail_syncs);
    while (result == 0 && node->namings != NULL)
        naming_apply(sim, node);
    return result;
}

static int sim_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **entries, size_t *count)
{
    struct sim_disk *sim = sim_of(disk);
    const struct node *node = node_find(sim, path);
    const struct map_entry *entry;
    size_t at = 0;

    *count = 0;
    if (sim->dead)
        return EIO;
    if (node == NULL || !node->is_directory)
        return ENOENT;
    *entries = arena_new_array(arena, node->names_now.count + 1, sizeof(**entries));
    while ((entry = map_next(&node->names_now, &at)) != NULL)
        (*entries)[(*count)++] = (struct disk_entry){arena_copy_string(arena, entry->key), ((const struct node *)entry->value)->is_directory};
    return 0;
}

static int sim_file_size(struct disk *disk, const char *path, int64_t *size)
{
    struct sim_disk *sim = sim_of(disk);
    const struct node *node = node_find(sim, path);

    if (sim->dead)
        return EIO;
    if (node == NULL)
        return ENOENT;
    *size = node->now.size;
    return 0;
}

static int sim_free_bytes(struct disk *disk, const char *path, int64_t *bytes)
{
    struct sim_disk *sim = sim_of(disk);

    (void)path;
    *bytes = sim->limit < 0 ? INT64_MAX : sim->limit - sim->used;
    return sim->dead ? EIO : 0;
}

static const struct disk_operations operations = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .truncate = sim_truncate,
    .sync = sim_sync,
    .size = sim_size,
    .lock = sim_lock,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .make_directory = sim_make_directory,
    .remove_directory = sim_remove_directory,
    .sync_directory = sim_sync_directory,
    .list = sim_list,
    .file_size = sim_file_size,
    .free_bytes = sim_free_bytes,
};

/* ---- Power ---- */

/* One write, sector by sector: each is there or not. */
static void write_torn(struct node *node, const struct change *change, uint64_t survive)
{
    size_t done = 0;

    while (done < change->size) {
        int64_t at = change->position + (int64_t)done;
        size_t piece = (size_t)(SECTOR_BYTES - at % SECTOR_BYTES);

        if (piece > change->size - done)
            piece = change->size - done;
        if (random_next(&node->random, 10000) < survive)
            bytes_write(&node->durable, change->bytes + done, piece, at);
        done += piece;
    }
}

static void file_cut(struct sim_disk *sim, struct node *node)
{
    static const uint64_t odds[] = {0, 2000, 5000, 9000, 10000};
    uint64_t survive = odds[random_next(&node->random, sizeof(odds) / sizeof(odds[0]))];
    int64_t size_then = node->now.size;

    for (const struct change *change = node->changes; change != NULL; change = change->next) {
        if (change->kind == CHANGE_WRITE)
            write_torn(node, change, survive);
        else if (random_next(&node->random, 10000) < survive)
            bytes_resize(&node->durable, change->position);
    }
    /* The size may have got there before the bytes: zeros, or what the blocks held before. */
    if (node->changes != NULL && size_then > node->durable.size && random_next(&node->random, 10) < 3) {
        int64_t from = node->durable.size;

        bytes_resize(&node->durable, size_then);
        for (int64_t i = from; i < size_then && random_next(&node->random, 2) == 0; i++)
            node->durable.data[i] = (uint8_t)random_next(&node->random, 256);
    }
    changes_clear(node);
    sim->used += node->durable.size - node->now.size;
    node->now.size = 0;
    bytes_resize(&node->now, node->durable.size);
    if (node->durable.size > 0)
        memcpy(node->now.data, node->durable.data, (size_t)node->durable.size);
}

static void node_cut(struct sim_disk *sim, struct node *node)
{
    const struct map_entry *entry;
    size_t at = 0;
    uint64_t pending = 0;

    node->random += sim->boot * 0x100000001b3u + sim->cut_salt;
    if (!node->is_directory) {
        file_cut(sim, node);
        return;
    }
    for (const struct naming *naming = node->namings; naming != NULL; naming = naming->next)
        pending++;
    for (pending = random_next(&node->random, pending + 1); pending > 0; pending--)
        naming_apply(sim, node);
    while (node->namings != NULL) {
        struct naming *next = node->namings->next;
        naming_free(sim, node->namings);
        node->namings = next;
    }
    node->namings_end = &node->namings;
    names_clear(sim, &node->names_now);
    while ((entry = map_next(&node->names_durable, &at)) != NULL) {
        struct node *child = entry->value;

        child->references++;
        (void)map_put(&node->names_now, entry->key, child);
        node_cut(sim, child);
    }
}

void sim_disk_restart(struct sim_disk *sim)
{
    sim->dead = false;
    sim->cut_at = -1;
    sim->boot++;
    sim->locked = false;
}

void sim_disk_reboot(struct sim_disk *sim)
{
    sim->cut_salt = sim_random(sim, UINT64_MAX);
    node_cut(sim, sim->root);
    atomic_store(&sim->disk.sync_failed, false); /* what the system remembered wrongly is gone too */
    sim_disk_restart(sim);
}

/* ---- Life and knobs ---- */

struct sim_disk *sim_disk_create(uint64_t seed)
{
    struct sim_disk *sim = memory_new(sizeof(*sim));

    sim->disk.operations = &operations;
    sim->random = seed * 0x9e3779b97f4a7c15u + 1;
    sim->cut_at = -1;
    sim->limit = -1;
    sim->root = node_new(sim, true);
    return sim;
}

void sim_disk_destroy(struct sim_disk *sim)
{
    if (sim == NULL)
        return;
    node_release(sim, sim->root);
    memory_free(sim);
}

struct disk *sim_disk_seam(struct sim_disk *sim)
{
    return &sim->disk;
}

void sim_disk_cut_after(struct sim_disk *sim, int64_t calls)
{
    sim->cut_at = calls < 0 ? -1 : sim->calls + calls + 1;
}

bool sim_disk_is_dead(const struct sim_disk *sim)
{
    return sim->dead;
}

void sim_disk_fail(struct sim_disk *sim, int writes, int syncs, int names)
{
    sim->fail_writes = writes;
    sim->fail_syncs = syncs;
    sim->fail_names = names;
}

void sim_disk_watch(struct sim_disk *sim, sim_disk_watcher *watcher, void *context)
{
    sim->watcher = watcher;
    sim->watcher_context = context;
}

void sim_disk_limit(struct sim_disk *sim, int64_t bytes)
{
    sim->limit = bytes;
}

int64_t sim_disk_used(const struct sim_disk *sim)
{
    return sim->used;
}

bool sim_disk_damage(struct sim_disk *sim, const char *path, int64_t position)
{
    struct node *node = node_find(sim, path);

    if (node == NULL || position >= node->durable.size || position >= node->now.size)
        return false;
    node->durable.data[position] ^= 0x55;
    node->now.data[position] ^= 0x55;
    return true;
}

int64_t sim_disk_calls(const struct sim_disk *sim)
{
    return sim->calls;
}
