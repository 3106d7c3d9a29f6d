#include "os/resolver.h"

#include "base/banned.h"
#include "base/memory.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Shared by the caller and the thread that waits for the system; whoever lets go last frees it. */
struct resolver {
    atomic_int holders;
    int fd;
    int code; /* of getaddrinfo; set before fd becomes readable, like resolved */
    struct resolved resolved;
    char name[];
};

static void let_go(struct resolver *resolver)
{
    if (atomic_fetch_sub_explicit(&resolver->holders, 1, memory_order_acq_rel) > 1)
        return;
    (void)close(resolver->fd);
    memory_free(resolver);
}

static void *look_up(void *context)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct resolver *resolver = context;
    struct resolved *resolved = &resolver->resolved;
    struct addrinfo *found = NULL;
    uint64_t one = 1;

    resolver->code = getaddrinfo(resolver->name, NULL, &hints, &found);
    for (const struct addrinfo *at = resolver->code == 0 ? found : NULL; at != NULL && resolved->count < RESOLVER_ADDRESSES_MAX;
         at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, resolved->addresses[resolved->count], RESOLVER_ADDRESS_SIZE, NULL, 0,
                        NI_NUMERICHOST) == 0)
            resolved->count++;
    }
    if (resolver->code == 0)
        freeaddrinfo(found);
    while (write(resolver->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    let_go(resolver);
    return NULL;
}

enum status resolver_start(const char *name, struct resolver **started, struct error *error)
{
    size_t size = strlen(name) + 1;
    struct resolver *resolver = memory_new(sizeof(*resolver) + size);
    pthread_attr_t detached;
    pthread_t thread;
    int code;

    memcpy(resolver->name, name, size);
    atomic_init(&resolver->holders, 2);
    resolver->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (resolver->fd < 0) {
        memory_free(resolver);
        return error_set(error, ERROR_LIMIT, "no file descriptor to look up %s: raise the limit of open files", name);
    }
    (void)pthread_attr_init(&detached);
    (void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &detached, look_up, resolver);
    (void)pthread_attr_destroy(&detached);
    if (code != 0) {
        atomic_init(&resolver->holders, 1);
        let_go(resolver);
        return error_set_system(error, ERROR_LIMIT, code, "no thread to look up %s", name);
    }
    *started = resolver;
    return OK;
}

int resolver_fd(const struct resolver *resolver)
{
    return resolver->fd;
}

enum status resolver_result(struct resolver *resolver, struct resolved *resolved, struct error *error)
{
    uint64_t count;

    if (read(resolver->fd, &count, sizeof(count)) < 0)
        return error_set(error, ERROR_UNAVAILABLE, "the name %s is still being looked up", resolver->name);
    if (resolver->code != 0)
        return error_set(error, ERROR_UNAVAILABLE, "could not translate host name \"%s\" to address: %s", resolver->name,
                         gai_strerror(resolver->code));
    *resolved = resolver->resolved;
    return OK;
}

void resolver_close(struct resolver *resolver)
{
    if (resolver != NULL)
        let_go(resolver);
}
