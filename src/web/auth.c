#include "web/auth.h"

#include "base/banned.h"
#include "base/memory.h"
#include "base/text.h"
#include "os/clock.h"
#include "os/random.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>

#define LOGINS_KEPT 256
#define IDLE_MS (12LL * 3600 * 1000)
#define ADDRESSES_KEPT 256
#define WRONG_MAX 5
#define MINUTE_MS 60000
#define SECRET_BYTES 32
#define COOKIE_NAME "tailrace="

struct login_kept {
    char secret[SECRET_BYTES * 2 + 1];
    enum access access;
    int64_t used_ms; /* monotonic */
};

struct tries { /* wrong ones, of an address */
    uint8_t address[16];
    int64_t since_ms;
    int count;
};

struct auth {
    char *token, *read_token;
    bool read_only;
    char local[sizeof(COOKIE_NAME) + SECRET_BYTES * 2]; /* COOKIE_NAME and a secret */
    pthread_mutex_t lock; /* guards the rest; a leaf */
    struct login_kept logins[LOGINS_KEPT];
    struct tries tries[ADDRESSES_KEPT];
};

static void secret_make(char text[SECRET_BYTES * 2 + 1])
{
    uint8_t bytes[SECRET_BYTES];

    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(&text[i * 2], 3, "%02x", bytes[i]);
}

struct auth *auth_create(const char *token, const char *read_token, bool read_only)
{
    struct auth *auth = memory_new(sizeof(*auth));

    auth->token = memory_copy_string(token == NULL ? "" : token);
    auth->read_token = memory_copy_string(read_token == NULL ? "" : read_token);
    auth->read_only = read_only;
    (void)snprintf(auth->local, sizeof(auth->local), "%s", COOKIE_NAME);
    secret_make(auth->local + strlen(COOKIE_NAME));
    (void)pthread_mutex_init(&auth->lock, NULL);
    return auth;
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL)
        return;
    memory_free(auth->token);
    memory_free(auth->read_token);
    (void)pthread_mutex_destroy(&auth->lock);
    memory_free(auth);
}

bool auth_is_on(const struct auth *auth)
{
    return *auth->token != '\0' || *auth->read_token != '\0';
}

/* In a time that does not tell how much is right. */
static bool same(const char *secret, const char *given)
{
    size_t size = strlen(secret), given_size = strlen(given);
    unsigned difference = size == given_size ? 0 : 1;

    for (size_t i = 0; i < size; i++)
        difference |= (unsigned char)secret[i] ^ (unsigned char)(given_size == 0 ? 0 : given[i % given_size]);
    return difference == 0 && size > 0;
}

void auth_hash(const char *token, char hash[AUTH_HASH_SIZE])
{
    uint8_t digest[32] = {0};
    size_t at = (size_t)snprintf(hash, AUTH_HASH_SIZE, "%s", AUTH_HASH_PREFIX);

    (void)EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof(digest); i++)
        at += (size_t)snprintf(hash + at, AUTH_HASH_SIZE - at, "%02x", digest[i]);
}

/* A secret that is a hash lets in whoever has what it was made of, not the hash. */
static bool is_token(const char *secret, const char *given)
{
    char hash[AUTH_HASH_SIZE];

    if (strncmp(secret, AUTH_HASH_PREFIX, strlen(AUTH_HASH_PREFIX)) != 0)
        return same(secret, given);
    auth_hash(given, hash);
    return same(secret, hash);
}

static enum access access_of_token(const struct auth *auth, const char *given)
{
    bool may_write = is_token(auth->token, given), may_read = is_token(auth->read_token, given);

    if (may_write)
        return auth->read_only ? ACCESS_READ : ACCESS_WRITE;
    return may_read ? ACCESS_READ : ACCESS_NONE;
}

/* The login's secret that the cookies of the request carry, in the arena; NULL when there is none. */
static const char *cookie_of(const struct http_request *request)
{
    struct slice rest = slice_from_string(http_headers(request, "Cookie")), one;
    size_t size = strlen(COOKIE_NAME);

    while (text_next_field(&rest, ';', &one)) {
        one = text_trim(one);
        if (one.size > size && memcmp(one.data, COOKIE_NAME, size) == 0)
            return arena_copy_string(request->arena, slice_from(one, size));
    }
    return NULL;
}

/* Lock held; NULL: not known, or idle for too long. */
static struct login_kept *login_find(struct auth *auth, const char *secret)
{
    for (size_t i = 0; secret != NULL && i < LOGINS_KEPT; i++) {
        if (auth->logins[i].access != ACCESS_NONE && same(auth->logins[i].secret, secret) && clock_monotonic_ms() - auth->logins[i].used_ms < IDLE_MS)
            return &auth->logins[i];
    }
    return NULL;
}

enum access auth_access(struct auth *auth, const struct http_request *request)
{
    const char *bearer = http_header(request, "Authorization"), *secret;
    enum access access = ACCESS_NONE;
    struct login_kept *login;

    secret = cookie_of(request);
    if (secret != NULL && same(auth->local + strlen(COOKIE_NAME), secret))
        return ACCESS_WRITE;
    if (!auth_is_on(auth))
        return auth->read_only ? ACCESS_READ : ACCESS_WRITE;
    if (bearer != NULL && strncasecmp(bearer, "Bearer ", 7) == 0)
        return access_of_token(auth, bearer + 7);
    (void)pthread_mutex_lock(&auth->lock);
    login = login_find(auth, secret);
    if (login != NULL) {
        login->used_ms = clock_monotonic_ms();
        access = login->access;
    }
    (void)pthread_mutex_unlock(&auth->lock);
    return access;
}

/* ---- Logging in ---- */

static void address_of(const struct http_request *request, uint8_t address[16])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    memset(address, 0, 16);
    if (info == NULL || info->client_addr == NULL)
        return;
    if (info->client_addr->sa_family == AF_INET)
        memcpy(address, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, 4);
    else if (info->client_addr->sa_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, 16);
}

/* The address's entry, or the oldest one made its own; lock held. */
static struct tries *tries_of(struct auth *auth, const uint8_t address[16], int64_t now_ms)
{
    struct tries *oldest = &auth->tries[0];

    for (size_t i = 0; i < ADDRESSES_KEPT; i++) {
        struct tries *tries = &auth->tries[i];

        if (memcmp(tries->address, address, 16) == 0 && tries->since_ms > 0 && now_ms - tries->since_ms < MINUTE_MS)
            return tries;
        if (tries->since_ms < oldest->since_ms)
            oldest = tries;
    }
    memcpy(oldest->address, address, 16);
    oldest->since_ms = now_ms;
    oldest->count = 0;
    return oldest;
}

/* Lock held. */
static const char *login_keep(struct auth *auth, enum access access, int64_t now_ms)
{
    struct login_kept *login = &auth->logins[0];

    for (size_t i = 1; i < LOGINS_KEPT; i++) {
        if (auth->logins[i].used_ms < login->used_ms)
            login = &auth->logins[i];
    }
    secret_make(login->secret);
    login->access = access;
    login->used_ms = now_ms;
    return login->secret;
}

enum login auth_login(struct auth *auth, const struct http_request *request, const char *token, const char **cookie)
{
    int64_t now_ms = clock_monotonic_ms();
    enum access access = access_of_token(auth, token);
    enum login result = LOGIN_DONE;
    uint8_t address[16];
    struct tries *tries;

    address_of(request, address);
    (void)pthread_mutex_lock(&auth->lock);
    tries = tries_of(auth, address, now_ms);
    if (tries->count >= WRONG_MAX) {
        result = LOGIN_TOO_OFTEN;
    } else if (access == ACCESS_NONE) {
        tries->count++;
        result = LOGIN_WRONG;
    } else {
        *cookie = arena_format(request->arena, COOKIE_NAME "%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%lld", login_keep(auth, access, now_ms), IDLE_MS / 1000);
    }
    (void)pthread_mutex_unlock(&auth->lock);
    return result;
}

const char *auth_logout(struct auth *auth, const struct http_request *request)
{
    const char *secret = cookie_of(request);
    struct login_kept *login;

    (void)pthread_mutex_lock(&auth->lock);
    login = login_find(auth, secret);
    if (login != NULL)
        *login = (struct login_kept){.access = ACCESS_NONE};
    (void)pthread_mutex_unlock(&auth->lock);
    return COOKIE_NAME "; HttpOnly; SameSite=Strict; Path=/; Max-Age=0";
}

const char *auth_local_login(const struct auth *auth)
{
    return auth->local;
}
