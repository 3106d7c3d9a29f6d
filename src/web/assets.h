/* web/assets.h: the files of the console, built into the program. console/embed.py makes the table. */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct web_asset {
    const char *path;          /* from the root: "/index.html", "/assets/index-1a2b3c4d.js" */
    const char *type;          /* Content-Type */
    const char *etag;          /* with its quotes */
    bool unchanging;           /* its name changes with its content: may be kept for ever */
    const unsigned char *gzip; /* the content, as Content-Encoding gzip */
    size_t gzip_bytes;
    size_t bytes; /* of the content unpacked, for clients that do not take gzip */
};

/* In order of their paths; for web_asset_find. */
extern const struct web_asset web_assets[];
extern const size_t web_asset_count;

/*
 * Finds the file of a path, which starts with a slash and has no query.
 * Gives NULL when there is none. "/" is no file: ask for "/index.html", also for the pages that the console draws itself.
 * Thread        any
 */
const struct web_asset *web_asset_find(const char *path);

#endif
