/* web/zip.h: packs texts into a ZIP file, in memory. Source: PKWARE APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16; no ZIP64. */
#ifndef WEB_ZIP_H
#define WEB_ZIP_H

#include "base/buffer.h"

struct zip {
    struct buffer *out;       /* the caller's; failed when it became too large */
    struct buffer directory;
    int64_t at_ms;            /* time of all files, since 1970; shown as UTC */
    uint16_t count;
};

void zip_begin(struct zip *zip, struct buffer *out, int64_t at_ms);
void zip_add(struct zip *zip, const char *name, struct slice bytes); /* name: ASCII, no leading slash; under 4 GiB */
void zip_end(struct zip *zip);                                       /* in any case, once */

#endif
