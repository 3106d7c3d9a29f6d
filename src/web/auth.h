/*
 * web/auth.h: who may look and who may change: tokens, given once and kept in a cookie, or with every request as
 * "Authorization: Bearer". Without a token set, everybody who reaches the port may do everything. Thread: any.
 */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include "connect/http.h"

enum access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE };

struct auth;

/* A token may also be given as its hash, "sha256:" and 64 hexadecimal digits. */
#define AUTH_HASH_PREFIX "sha256:"
#define AUTH_HASH_SIZE (sizeof(AUTH_HASH_PREFIX) + 64)
void auth_hash(const char *token, char hash[AUTH_HASH_SIZE]);

/* token, read_token: copied; NULL or "": none. read_only: nobody gets more than READ */
struct auth *auth_create(const char *token, const char *read_token, bool read_only);
void auth_destroy(struct auth *auth); /* NULL is fine */

bool auth_is_on(const struct auth *auth); /* is a token set? */
enum access auth_access(struct auth *auth, const struct http_request *request);

enum login { LOGIN_DONE, LOGIN_WRONG, LOGIN_TOO_OFTEN };

/* Five wrong tries a minute from one address, then LOGIN_TOO_OFTEN. cookie: the value for Set-Cookie, in the request's arena */
enum login auth_login(struct auth *auth, const struct http_request *request, const char *token, const char **cookie);

/* "tailrace=SECRET", a cookie that may change everything, whatever console.access says; for the data directory's owner. Lives as long. */
const char *auth_local_login(const struct auth *auth);

/* Forgets the request's login; gives the value for Set-Cookie that removes it. */
const char *auth_logout(struct auth *auth, const struct http_request *request);

#endif
