/* test/unit/connect/fake_capture.h: stands in for capture/: no thread, no database; the test says what state it is in. */
#ifndef FAKE_CAPTURE_H
#define FAKE_CAPTURE_H

#include "capture/capture.h"

/* What capture_check answers from now on; NULL: well. */
void fake_capture_check_with(const char *problem);

/* From now on a capture streams as soon as it is started; one that may not make its publication fails. */
void fake_capture_stream_at_once(bool at_once);

/* The capture of a connector, NULL when none runs. */
struct capture *fake_capture_find(const char *connector);
int fake_capture_starts(const char *connector); /* how often it was started since the program began */
const char *fake_capture_config(struct capture *capture, const char *key);

/* Changes its status and tells the owner. */
void fake_capture_set(struct capture *capture, enum capture_state state, const char *problem);

/* It publishes `lsn` as its position, with one record more in a topic. */
void fake_capture_publish(struct capture *capture, const char *topic, const char *position);

#endif
